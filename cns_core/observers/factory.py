"""Observers by name."""

from __future__ import annotations

import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.akaze import Akaze
from cns_core.observers.base import FeatureObserver, ObserverSettings
from cns_core.observers.features import Backend
from cns_core.observers.learned.extra import (
    LIGHTGLUE,
    is_installed,
    require,
    warn_of_sift_alone,
)
from cns_core.observers.matching_observer import MatchingObserver
from cns_core.observers.orb import Orb
from cns_core.observers.rematch import Rematcher
from cns_core.observers.sift import Sift
from cns_core.observers.tracking_observer import TrackingObserver

BACKENDS: dict[str, type[Backend]] = {"sift": Sift, "akaze": Akaze, "orb": Orb}
"""The detectors."""
OBSERVERS = (*BACKENDS, "xfeat", "auto")
"""Observers by name; besides these there is ``lightglue:PATH``."""


def preload(name: str) -> None:
    """Load the weights of an observer, so that no image waits for them.

    Args:
        name: see :func:`make_observer`.

    Raises:
        ImportError, OSError, ValueError: see :func:`make_observer`.
    """
    if name not in BACKENDS and (name != "auto" or is_installed()):
        require()
        from cns_core.observers.learned.learned_matcher import matcher_of

        matcher_of(name)


def make_observer(
    name: str,
    camera: PinholeCamera,
    *,
    verify: bool = True,
    tracking: bool = False,
    max_keypoints: int | None = None,
    min_keypoints: int = 12,
    mask: np.ndarray | None = None,
    background: bool = True,
    rematch_every: int | None = None,
    smooth_px: float = 0.0,
) -> FeatureObserver:
    """Build an observer.

    Args:
        name: ``'sift'``, ``'akaze'`` or ``'orb'``; with the extra ``learned`` also ``'xfeat'``,
            ``'lightglue:PATH'`` with the path of weights, and ``'auto'``: SIFT, and XFeat where
            SIFT finds too little (without the extra SIFT alone, and a warning).
        camera: the :class:`PinholeCamera` that takes all images.
        verify: whether matches must agree on one rigid motion of the camera.
        tracking: follow keypoints between matchings and align them to sub-pixel; otherwise every
            image is matched on its own.
        max_keypoints: most keypoints taken from the desired image, spread evenly; the cost of the
            graph and the network grows with it. None for 300 with tracking and 512 without, where
            ``'auto'`` takes 512 of each kind.
        min_keypoints: fewest keypoints with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear (zero on a gripper, say), or None.
        background: with tracking, match in a worker thread so that no image waits for it; without,
            the outcome does not depend on timing.
        rematch_every: with tracking, match at least once in this many frames; None for only when
            few keypoints are followed, which also finds again what comes back into view.
        smooth_px: with tracking, smooth images by a Gaussian of this many pixels before keypoints
            are aligned. 1 serves a camera or renderer that aliases and costs others nothing.

    Raises:
        ImportError: for a learned observer without the extra, naming the command that installs it.
        OSError: if the file of a ``'lightglue:PATH'`` cannot be read.
        ValueError: naming the argument that is out of range.
    """
    if name not in OBSERVERS and not name.startswith(LIGHTGLUE):
        known = f"{sorted(OBSERVERS)} or {LIGHTGLUE}PATH"
        raise ValueError(f"observer must be one of {known}, got {name!r}")
    if name == "auto" and not is_installed():
        warn_of_sift_alone()
        name = "sift"
    if max_keypoints is None:
        max_keypoints = 300 if tracking else 1024 if name == "auto" else 512
    settings = ObserverSettings(verify, max_keypoints, min_keypoints, mask, smooth_px)
    if rematch_every is not None and not rematch_every >= 1:
        raise ValueError(f"rematch_every must be at least 1 frame or None, got {rematch_every}")
    rematcher = None
    if tracking:
        rematcher = Rematcher.in_background() if background else Rematcher.inline()
    if name not in BACKENDS:
        require()
        from cns_core.observers.learned.learned_factory import make_learned

        return make_learned(name, camera, settings, rematcher, rematch_every)
    if rematcher is None:
        return MatchingObserver(BACKENDS[name](), camera, settings)
    return TrackingObserver(
        BACKENDS[name](), camera, settings, rematcher=rematcher, rematch_every=rematch_every
    )
