"""What a camera and its network do to frames when they fail: the frames in, other frames out."""

from collections import deque
from dataclasses import replace

import numpy as np

LATEST_S = 2.0
"""How late frames become at most by the fault "late"."""


class CameraFaults:
    """Passes frames on, with one fault at a time.

    - ``none``: each frame at once.
    - ``silent``: none any more.
    - ``dropped``: one in two, at random, is lost.
    - ``duplicated``: each comes twice, with the same stamp.
    - ``out_of_order``: of every two the second comes first.
    - ``frozen``: fresh stamps, but the image of the moment when the fault began.
    - ``late``: they queue up, half of them in the queue, so that the newest that has come is half
      as old as the fault.

    A frame is a dataclass with ``time_s``, when it was taken, and ``image``.

    Args:
        seed: of the frames that are lost.

    Attributes:
        kind: the present fault.
    """

    def __init__(self, seed=0):
        self._rng = np.random.default_rng(seed)
        self.begin("none")

    def begin(self, kind):
        """End the present fault and begin another; frames still held back are lost.

        Raises:
            ValueError: for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"the camera fault must be one of {KINDS}, got {kind!r}")
        self.kind = kind
        self._pass_on = getattr(self, f"_{kind}")
        self._held = deque()
        self._began_s = None

    def pass_on(self, frame):
        """The frames to deliver now that ``frame`` has been taken, in order."""
        return self._pass_on(frame)

    def _none(self, frame):
        return [frame]

    def _silent(self, frame):
        return []

    def _dropped(self, frame):
        return [frame] if self._rng.random() < 0.5 else []

    def _duplicated(self, frame):
        return [frame, frame]

    def _out_of_order(self, frame):
        self._held.append(frame)
        if len(self._held) < 2:
            return []
        return [self._held.pop(), self._held.pop()]

    def _frozen(self, frame):
        if not self._held:
            self._held.append(frame)
        return [replace(frame, image=self._held[0].image)]

    def _late(self, frame):
        self._held.append(frame)
        if self._began_s is None:
            self._began_s = frame.time_s
        due = []
        while self._held and self._due_s(self._held[0]) <= frame.time_s:
            due.append(self._held.popleft())
        return due

    def _due_s(self, frame):
        return frame.time_s + min(LATEST_S, frame.time_s - self._began_s)


KINDS = ("none", "silent", "dropped", "duplicated", "out_of_order", "frozen", "late")
