"""Find the desired image in a new one by a learned matcher."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cns_core.observers.frame import Frame
from cns_core.observers.learned.turn_search import TurnSearch
from cns_core.observers.learned.view import PairMatcher
from cns_core.observers.scene_first import Matches


class LearnedRecognition:
    """As :class:`~cns_core.observers.recognition.Recognition`, by a learned matcher.

    Args:
        matcher: finds and matches features.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
        frame: the desired image.
        mask: (H, W) uint8, zero where no image shows the scene, or None.
    """

    def __init__(
        self,
        matcher: PairMatcher,
        agree: Callable[[np.ndarray, np.ndarray], np.ndarray],
        frame: Frame,
        mask: np.ndarray | None = None,
    ) -> None:
        self._mask = mask
        self._search = TurnSearch(matcher, matcher.view(frame.grey, mask), agree)

    @property
    def count(self) -> int:
        """Number of features in the desired image."""
        return len(self._search.pixels)

    def match(self, frame: Frame) -> list[Matches]:
        """One set."""
        found = self._search.find(frame.grey, self._mask)
        return [(self._search.pixels[found.index], found.pixels)]

    def look(self, frame: Frame) -> list[Matches]:
        """As :meth:`match`."""
        return self.match(frame)

    def search(self, frame: Frame) -> list[Matches]:
        """Nothing: whatever there is to try is tried at once."""
        return []
