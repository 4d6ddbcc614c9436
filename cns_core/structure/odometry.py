"""Where the camera was at the time of an image: from measured poses, or from the twists given."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3

_LONGEST_S = 5.0


class PoseHistory:
    """Measured poses, asked for at the times of images.

    Args:
        longest_s: how long poses are kept.
        largest_gap_s: poses further apart than this are not interpolated between.
        ahead_s: how far beyond the newest pose the motion may be thought on.
    """

    def __init__(
        self, longest_s: float = _LONGEST_S, largest_gap_s: float = 0.2, ahead_s: float = 0.0
    ) -> None:
        self._longest_s, self._largest_gap_s, self._ahead_s = longest_s, largest_gap_s, ahead_s
        self._times: deque[float] = deque()
        self._poses: deque[np.ndarray] = deque()

    def __len__(self) -> int:
        """Number of poses kept."""
        return len(self._times)

    def add(self, time_s: float, T: np.ndarray) -> None:
        """Note that the camera was at ``T``; what comes out of order is ignored."""
        if not np.isfinite(time_s) or (self._times and time_s <= self._times[-1]):
            return
        self._times.append(time_s)
        self._poses.append(T)
        while self._times[0] < time_s - self._longest_s:
            self._times.popleft()
            self._poses.popleft()

    def at(self, time_s: float) -> np.ndarray | None:
        """(4, 4) pose at a time, between the poses beside it; None where none was measured."""
        after = bisect_right(self._times, time_s)
        if after == 0:
            return None
        if after == len(self._times):
            if time_s == self._times[-1]:
                return self._poses[-1]
            if after < 2 or time_s - self._times[-1] > self._ahead_s:
                return None
            after -= 1
        start, end = self._times[after - 1], self._times[after]
        if end - start > self._largest_gap_s:
            return None
        share = (time_s - start) / (end - start)
        return interpolate(self._poses[after - 1], self._poses[after], share)


class TwistOdometry:
    """The pose that follows from the twists given, each obeyed a fixed time after it was given.

    Args:
        lag_s: from giving a twist to the motion that obeys it.

    Raises:
        ValueError: unless ``lag_s`` is finite and not negative.
    """

    def __init__(self, lag_s: float = 0.0) -> None:
        if not (np.isfinite(lag_s) and lag_s >= 0.0):
            raise ValueError(f"lag_s must be finite and not negative, got {lag_s!r}")
        self.lag_s = lag_s
        self._T = np.eye(4)
        self._time_s: float | None = None
        self._twist = np.zeros(6)
        self._given: deque[tuple[float, np.ndarray]] = deque()

    def give(self, time_s: float, twist: np.ndarray) -> None:
        """Note that (6,) ``twist`` (m/s and rad/s, camera frame) was commanded."""
        self._given.append((time_s + self.lag_s, np.asarray(twist, dtype=float)))

    def at(self, time_s: float) -> np.ndarray:
        """(4, 4) pose at a time, which must not run backwards; identity at the first."""
        if self._time_s is None:
            self._time_s = time_s
        while self._given and self._given[0][0] <= time_s:
            begins_s, twist = self._given.popleft()
            self._time_s = self._go_on(self._time_s, begins_s)
            self._twist = twist
        self._time_s = self._go_on(self._time_s, time_s)
        return self._T

    def _go_on(self, start_s: float, end_s: float) -> float:
        if end_s <= start_s:
            return start_s
        self._T = self._T @ se3.exp(self._twist * (end_s - start_s))
        return end_s


def interpolate(T_start: np.ndarray, T_end: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Pose a share (0..1) of the way: translation straight, rotation about one axis.

    Args:
        T_start, T_end: (4, 4), or (K, 4, 4) with (K,) shares.
        share: beyond 0..1 the motion goes on.
    """
    share = np.asarray(share)[..., None]
    R_start, p_start = T_start[..., :3, :3], T_start[..., :3, 3]
    turn = Rotation.from_matrix(np.swapaxes(R_start, -1, -2) @ T_end[..., :3, :3]).as_rotvec()
    T = T_start.copy()
    T[..., :3, :3] = R_start @ Rotation.from_rotvec(share * turn).as_matrix()
    T[..., :3, 3] = (1.0 - share) * p_start + share * T_end[..., :3, 3]
    return T
