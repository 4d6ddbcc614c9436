"""A slow step back along the way that the camera came, once it has seen nothing for a while."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.geometry.twist import saturate

_AFTER_S = 1.0
"""Blind for so long it steps back: what passes before the lens has gone by then."""
_SPEED_SHARE = 0.5
_LINEAR_M_S, _ANGULAR_RAD_S = 0.02, 0.1
_FARTHEST_M, _FARTHEST_RAD = 0.03, 0.15
_POSES = 50
_OBEYED_SHARE = 0.5
"""Of the motion told, what a camera has made that obeys: a delay and a pose's noise are borne."""
_REMEMBERED_S = 5.0
"""What the camera did longer ago is not gone back over: the scene may have changed since."""


class StepBack:
    """Goes back over the camera's own last motion: there was room for it, and the goal was seen.

    Twists are in the camera's frame, so that the same twists with the other sign, the last one
    first, lead back the same way.
    """

    def __init__(self) -> None:
        self._given: deque[tuple[float, float, NDArray[np.float64]]] = deque()
        self._last: tuple[float, NDArray[np.float64]] | None = None
        self._back_s: float | None = None
        self._gone = np.zeros(2)
        self._poses: deque[tuple[float, NDArray[np.float64] | None]] = deque(maxlen=_POSES)

    def see(
        self,
        time_s: float,
        twist: NDArray[np.float64],
        pose: NDArray[np.float64] | None = None,
    ) -> None:
        """Note the (6,) twist, m/s and rad/s, that answers a frame in which the goal is seen.

        Args:
            pose: (4, 4) of the camera as measured at that time, None where it is not: twists that
                it did not obey are no way of its own.
        """
        self._note(time_s)
        self._last, self._back_s = (time_s, twist), None
        self._poses.append((time_s, pose))
        self._gone = np.zeros(2)

    def twist(self, time_s: float, blind_s: float) -> NDArray[np.float64] | None:
        """(6,) twist of the step; None for none: too early, far enough, or no way is known.

        Args:
            blind_s: how long the goal has not been seen.
        """
        self._note(time_s)
        self._last = None
        if blind_s < _AFTER_S or (self._back_s is None and not self._obeyed()):
            return None
        passed_s = 0.0 if self._back_s is None else time_s - self._back_s
        self._back_s = time_s
        return self._next(passed_s)

    def _note(self, time_s: float) -> None:
        """The last twist given has been obeyed until now."""
        if self._last is not None and time_s > self._last[0]:
            began_s, twist = self._last
            self._given.append((began_s, time_s - began_s, twist))
        while self._given and time_s - self._given[0][0] > _REMEMBERED_S:
            self._given.popleft()

    def _obeyed(self) -> bool:
        """Whether the camera went about where it was told; taken for granted without its pose."""
        start, end = (self._poses[0], self._poses[-1]) if self._poses else ((0.0, None),) * 2
        if start[1] is None or end[1] is None:
            return True
        told = np.eye(4)
        for began_s, lasting_s, twist in self._given:
            if start[0] <= began_s < end[0]:
                told = told @ se3.exp(lasting_s * twist)
        measured = se3.inverse(start[1]) @ end[1]
        way, told_way = np.linalg.norm(se3.log(measured)), np.linalg.norm(se3.log(told))
        return bool(way > _OBEYED_SHARE * told_way)

    def _next(self, passed_s: float) -> NDArray[np.float64] | None:
        """The twist to go on with, after another ``passed_s`` of going back."""
        while self._given:
            began_s, lasting_s, twist = self._given[-1]
            back = saturate(-_SPEED_SHARE * twist, _LINEAR_M_S, _ANGULAR_RAD_S)
            speed = np.array([np.linalg.norm(part) for part in (back[:3], back[3:])])
            share = float(np.linalg.norm(back) / max(np.linalg.norm(twist), 1e-12))
            done_s = passed_s * share
            if share > 0.0 and done_s < lasting_s:
                self._given[-1] = began_s, lasting_s - done_s, twist
                self._gone += speed * passed_s
                far = self._gone > (_FARTHEST_M, _FARTHEST_RAD)
                return None if far.any() else back
            passed_s -= lasting_s / share if share > 0.0 else 0.0
            self._gone += speed * (lasting_s / share if share > 0.0 else 0.0)
            self._given.pop()
        return None
