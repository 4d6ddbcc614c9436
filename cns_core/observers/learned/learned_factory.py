"""Learned observers by name; imported when one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.base import FeatureObserver, ObserverSettings
from cns_core.observers.frame import Frame
from cns_core.observers.learned.auto_observer import AutoObserver
from cns_core.observers.learned.auto_recognition import AutoRecognition
from cns_core.observers.learned.learned_matcher import LearnedMatcher, matcher_of
from cns_core.observers.learned.learned_observer import LearnedObserver
from cns_core.observers.learned.learned_recognition import LearnedRecognition
from cns_core.observers.recognition import Recognition
from cns_core.observers.rematch import Rematcher
from cns_core.observers.sift import Sift
from cns_core.observers.simulated_views import Detect
from cns_core.observers.tracking_observer import TrackingObserver

Agree = Callable[[np.ndarray, np.ndarray], np.ndarray]


def make_learned(
    name: str,
    camera: PinholeCamera,
    settings: ObserverSettings,
    rematcher: Rematcher | None,
    rematch_every: int | None,
) -> FeatureObserver:
    """Build a learned observer.

    Args:
        name: ``'xfeat'``, ``'auto'`` or ``'lightglue:PATH'``.
        camera, settings: see :class:`~cns_core.observers.base.FeatureObserver`.
        rematcher: runs the matchings of an observer that tracks; None for one that does not.
        rematch_every: see :class:`~cns_core.observers.tracking_observer.TrackingObserver`.

    Raises:
        OSError: if weights cannot be read.
        ValueError: if weights are of another kind.
    """
    matcher = matcher_of(name)
    # What a learned observer's own backend is does not matter: its matcher finds the features.
    backend = Sift()
    if rematcher is None:
        kind = AutoObserver if name == "auto" else LearnedObserver
        return kind(backend, matcher, camera, settings)
    return TrackingObserver(
        backend,
        camera,
        settings,
        rematcher=rematcher,
        rematch_every=rematch_every,
        recognition=partial(_recognition, name, matcher),
    )


def _recognition(
    name: str,
    matcher: LearnedMatcher,
    detect: Detect,
    norm: int,
    agree: Agree,
    frame: Frame,
    mask: np.ndarray | None,
) -> LearnedRecognition | AutoRecognition:
    learned = LearnedRecognition(matcher, agree, frame, mask)
    if name != "auto":
        return learned
    return AutoRecognition(Recognition(detect, norm, agree, frame, mask), learned)
