"""Where the camera has been, in as few points as a picture needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STEP_M = 0.002


class CameraPath:
    """The camera's way since :meth:`begin`, of bounded length however long it lasts.

    Args:
        most: points kept; with more, every second is dropped and the steps become twice as long.
        step_m: from one point to the next.

    Attributes:
        frame: that the positions are in; empty before the first.
    """

    def __init__(self, most: int = 500, step_m: float = _STEP_M) -> None:
        self._most, self._shortest_m = most, step_m
        self.frame = ""
        self.begin()

    def begin(self) -> None:
        """Forget the way so far."""
        self._step_m = self._shortest_m
        self._points: list[NDArray[np.float64]] = []

    @property
    def points(self) -> NDArray[np.float64]:
        """(N, 3) positions in m, in the order they were passed."""
        return np.array(self._points).reshape(-1, 3)

    def add(self, position: ArrayLike, frame: str) -> None:
        """Take a (3,) position, m, in a frame; in another frame than before the way begins anew."""
        if frame != self.frame:
            self.frame = frame
            self.begin()
        point = np.array(position, dtype=float)
        if self._points and np.linalg.norm(point - self._points[-1]) < self._step_m:
            return
        self._points.append(point)
        if len(self._points) > self._most:
            del self._points[1::2]
            self._step_m *= 2.0
