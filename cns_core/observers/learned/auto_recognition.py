"""Find the desired image in a new one: by a detector, and where that finds too little by a learned
matcher.
"""

from __future__ import annotations

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
    """

    def __init__(self, quick: Recognition, learned: LearnedRecognition) -> None:
        self._quick, self._learned = quick, learned

    @property
    def count(self) -> int:
        """Number of features in the desired image, of whichever finds more."""
        return max(self._quick.count, self._learned.count)

    def match(self, frame: Frame) -> list[Matches]:
        """By the detector, with patience where that is needed, and by the learned matcher."""
        quick, *learned = self.look(frame)
        if not sure(max([quick, *learned], key=weight), frame.size):
            quick = max([quick, *self.search(frame)], key=weight)
        return [quick, *learned]

    def look(self, frame: Frame) -> list[Matches]:
        """By the detector, and where that finds too little by the learned matcher, a set each."""
        (quick,) = self._quick.look(frame)
        if not too_little(quick[0], frame.size):
            return [quick]
        return [quick, *self._learned.match(frame)]

    def search(self, frame: Frame) -> list[Matches]:
        """By the detector with patience: that takes several times as long."""
        return self._quick.search(frame)
