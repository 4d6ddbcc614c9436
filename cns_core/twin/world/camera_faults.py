"""What a camera and its network do to frames when they fail: the frames in, other frames out."""

from collections import deque
from collections.abc import Callable
from dataclasses import Field, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

LATEST_S = 2.0
"""How late frames become at most by the fault "late"."""


class Frame(Protocol):
    """A dataclass with when its image was taken."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def time_s(self) -> float: ...

    @property
    def image(self) -> Any: ...


FrameT = TypeVar("FrameT", bound=Frame)


class CameraFaults(Generic[FrameT]):
    """Passes frames on, with one fault at a time.

    - ``none``: each frame at once.
    - ``silent``: none any more.
    - ``dropped``: one in two, at random, is lost.
    - ``duplicated``: each comes twice, with the same stamp.
    - ``out_of_order``: of every two the second comes first.
    - ``frozen``: fresh stamps, but the image of the moment when the fault began.
    - ``late``: they queue up, half of them in the queue, so that the newest that has come is half
      as old as the fault.

    Args:
        seed: of the frames that are lost.

    Attributes:
        kind: the present fault.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self.begin("none")

    def begin(self, kind: str) -> None:
        """End the present fault and begin another; frames still held back are lost.

        Raises:
            ValueError: for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"the camera fault must be one of {KINDS}, got {kind!r}")
        self.kind = kind
        self._pass_on: Callable[[FrameT], list[FrameT]] = getattr(self, f"_{kind}")
        self._held: deque[FrameT] = deque()
        self._began_s: float | None = None

    def pass_on(self, frame: FrameT) -> list[FrameT]:
        """The frames to deliver now that ``frame`` has been taken, in order."""
        return self._pass_on(frame)

    def _none(self, frame: FrameT) -> list[FrameT]:
        return [frame]

    def _silent(self, frame: FrameT) -> list[FrameT]:
        return []

    def _dropped(self, frame: FrameT) -> list[FrameT]:
        return [frame] if self._rng.random() < 0.5 else []

    def _duplicated(self, frame: FrameT) -> list[FrameT]:
        return [frame, frame]

    def _out_of_order(self, frame: FrameT) -> list[FrameT]:
        self._held.append(frame)
        if len(self._held) < 2:
            return []
        return [self._held.pop(), self._held.pop()]

    def _frozen(self, frame: FrameT) -> list[FrameT]:
        if not self._held:
            self._held.append(frame)
        return [replace(frame, image=self._held[0].image)]

    def _late(self, frame: FrameT) -> list[FrameT]:
        self._held.append(frame)
        if self._began_s is None:
            self._began_s = frame.time_s
        due = []
        while self._held and _due_s(self._held[0].time_s, self._began_s) <= frame.time_s:
            due.append(self._held.popleft())
        return due


def _due_s(time_s: float, began_s: float) -> float:
    """When a frame of the fault "late" comes."""
    return time_s + min(LATEST_S, time_s - began_s)


KINDS = ("none", "silent", "dropped", "duplicated", "out_of_order", "frozen", "late")
