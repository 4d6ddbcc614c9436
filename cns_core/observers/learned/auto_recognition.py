"""Find the desired image in a new one: by a detector, and where that finds too little by a learned
matcher.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cns_core.observers.frame import Frame
from cns_core.observers.learned.learned_recognition import LearnedRecognition
from cns_core.observers.learned.too_little import too_little
from cns_core.observers.recognition import Recognition
from cns_core.observers.scene_first import Matches, sure, weight


class AutoRecognition:
    """A :class:`.Recognition` that a :class:`.LearnedRecognition` helps out.

    Args:
        quick: asked first, and searches thoroughly where both find hardly anything.
        learned: asked where that finds too little.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
    """

    def __init__(
        self,
        quick: Recognition,
        learned: LearnedRecognition,
        agree: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> None:
        self._quick, self._learned, self._agree = quick, learned, agree

    @property
    def count(self) -> int:
        """Number of features in the desired image, of whichever finds more."""
        return max(self._quick.count, self._learned.count)

    def match(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """(M, 2) pixels in the desired image and (M, 2) in the current one, at full size."""
        found = self.look(frame)
        return found if sure(found, frame.size) else max(found, self.search(frame), key=weight)

    def look(self, frame: Frame) -> Matches:
        """By the detector, and where that finds too little by whichever finds more.

        By both at once only where neither suffices: by neighbours that are right to a pixel and to
        a quarter of one fewer keypoints are placed than by either.
        """
        quick = self._quick.look(frame)
        if not too_little(quick[0], frame.size):
            return quick
        learned = self._learned.match(frame)
        better = max(quick, learned, key=weight)
        if sure(better, frame.size):
            return better
        desired, current = (np.vstack(pair) for pair in zip(quick, learned, strict=True))
        true = self._agree(desired, current)
        return max(better, (desired[true], current[true]), key=weight)

    def search(self, frame: Frame) -> Matches:
        """By the detector with patience: that takes several times as long."""
        return self._quick.search(frame)
