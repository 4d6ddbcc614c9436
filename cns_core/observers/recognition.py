"""Find the desired image in a new one with no idea where it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import numpy as np

from cns_core.observers.features import Features
from cns_core.observers.flow import shrink, to_full
from cns_core.observers.frame import Frame
from cns_core.observers.matching import match
from cns_core.observers.scene_first import Matches, sure, weight
from cns_core.observers.simulated_views import Detect, detect_simulated


class Recognizer(Protocol):
    """Matches images against the desired one, as :class:`Recognition` does.

    What it finds are sets of verified matches, each by means of its own, at full size.

    Attributes:
        count: number of features in the desired image.
    """

    @property
    def count(self) -> int: ...

    def match(self, frame: Frame) -> list[Matches]:
        """At least one set: of :meth:`look`, and of :meth:`search` where that is too little."""

    def look(self, frame: Frame) -> list[Matches]:
        """At least one set, quickly."""

    def search(self, frame: Frame) -> list[Matches]:
        """Sets that may take long, or none."""


class Recognition:
    """Matches images against the desired one: quickly at first, thoroughly where that fails.

    Matches only tell where to align, so the precision that half size costs does not matter, and it
    takes a quarter of the time. Simulated views of the desired image are made when first needed.

    Args:
        detect: gives the :class:`Features` of a grey image within a mask (or None).
        norm: how descriptors compare, ``cv2.NORM_L2`` or ``cv2.NORM_HAMMING``.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
        frame: the desired image.
        mask: (H, W) uint8, zero where no image shows the scene, or None.
    """

    def __init__(
        self,
        detect: Detect,
        norm: int,
        agree: Callable[[np.ndarray, np.ndarray], np.ndarray],
        frame: Frame,
        mask: np.ndarray | None = None,
    ) -> None:
        self._detect, self._norm, self._agree = detect, norm, agree
        self._desired = frame
        self._mask = mask
        self._half_mask = None if mask is None else _whole(shrink(mask))
        self._features = _at_full(detect(frame.half, self._half_mask))

    @property
    def count(self) -> int:
        """Number of features in the desired image."""
        return len(self._features)

    def match(self, frame: Frame) -> list[Matches]:
        """One set: what is found quickly, and with patience where that is too little."""
        (found,) = self.look(frame)
        if not sure(found, frame.size):
            found = max([found, *self.search(frame)], key=weight)
        return [found]

    def look(self, frame: Frame) -> list[Matches]:
        """The set that is found quickly."""
        current = _at_full(self._detect(frame.half, self._half_mask))
        return [self._compare([self._features], current)]

    def search(self, frame: Frame) -> list[Matches]:
        """The set that is found with patience: half a second, twice that at first."""
        current = _at_full(self._detect(frame.half, self._half_mask))
        found = self._compare([self._features, *self._half_views], current)
        if not sure(found, frame.size):
            thorough = self._compare(self._full_views, self._detect(frame.grey, self._mask))
            found = max(found, thorough, key=weight)
        return [found]

    @cached_property
    def _half_views(self) -> list[Features]:
        tilted = detect_simulated(self._detect, self._desired.half, self._half_mask)
        return [_at_full(features) for features in tilted]

    @cached_property
    def _full_views(self) -> list[Features]:
        grey = self._desired.grey
        tilted = detect_simulated(self._detect, grey, self._mask)
        return [self._detect(grey, self._mask), *tilted]

    def _compare(self, views: list[Features], current: Features) -> Matches:
        matched = [match(view, current, self._norm) for view in views]
        i = np.concatenate([v.pixels[i] for v, (i, _) in zip(views, matched, strict=True)])
        j = np.concatenate([current.pixels[j] for _, j in matched])
        true = self._agree(i, j)
        return i[true], j[true]


def _at_full(features: Features) -> Features:
    """Features found at half size, placed at full size."""
    return Features(to_full(features.pixels), features.descriptors, features.response)


def _whole(mask: np.ndarray) -> np.ndarray:
    """A shrunk mask without the pixels that are only partly inside."""
    return np.where(mask == 255, 255, 0).astype(np.uint8)
