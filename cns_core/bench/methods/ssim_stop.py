"""When a method without keypoints has arrived: the images no longer grow more alike."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from cns_core.control.status import Status

BOUND = 0.35
"""Largest error at which an episode may end: image noise leaves 0.01, 2 mm and 0.2 deg 0.03 to 0.5,
10 mm and 1 deg 0.3 to 0.8; that it no longer falls tells the rest."""
STEPS = 20
"""How many steps the error must not have fallen for, as in the paper."""

_FALLS = 1e-3
_SHRINK = 0.5


class SsimStop:
    """Ends an episode once the error is below a bound and no longer decreases.

    The error is one minus the structural similarity (Wang et al. 2004) of the current to the
    desired image, grey and at half size. The rule is the paper's for methods without keypoints
    (section V-A).

    Attributes:
        error: of the newest image; inf before the first.

    Args:
        desired: (H, W, 3) uint8 BGR image.
        bound: largest error that may count as converged.
        steps: how many images it must not have fallen for.
    """

    def __init__(self, desired: np.ndarray, bound: float = BOUND, steps: int = STEPS) -> None:
        self.error = float("inf")
        self._desired = _small_grey(desired)
        self._bound = bound
        self._recent: deque[float] = deque(maxlen=steps)
        self._least = float("inf")

    def update(self, image: np.ndarray) -> Status:
        """Take the next image."""
        self.error = 1.0 - float(structural_similarity(_small_grey(image), self._desired))
        if len(self._recent) == self._recent.maxlen:
            self._least = min(self._least, self._recent[0])
        self._recent.append(self.error)
        rests = min(self._recent) >= self._least - _FALLS
        return Status.CONVERGED if rests and self.error <= self._bound else Status.SERVOING


def _small_grey(image: np.ndarray) -> np.ndarray:
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, None, fx=_SHRINK, fy=_SHRINK, interpolation=cv2.INTER_AREA)
