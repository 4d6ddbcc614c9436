"""The twists given, and how far they move the camera once they are obeyed."""

from __future__ import annotations

from collections import deque

import numpy as np

_LONGEST = 100


class Commands:
    """Twists by the time of the image that each of them answers; each holds until the next."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_LONGEST)
        self._sums: deque[np.ndarray] = deque(maxlen=_LONGEST)
        self._twist = np.zeros(6)

    def __len__(self) -> int:
        """Number of twists kept."""
        return len(self._times)

    def give(self, time_s: float, twist: np.ndarray) -> None:
        """Note the (6,) twist that answers the image of ``time_s``; m/s and rad/s."""
        if not self._times:
            self._times.append(time_s)
            self._sums.append(np.zeros(6))
        elif time_s > self._times[-1]:
            self._sums.append(self._sums[-1] + (time_s - self._times[-1]) * self._twist)
            self._times.append(time_s)
        self._twist = np.array(twist, dtype=float)

    def told(self, start_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
        """(M, 6) motion, m and rad, that was commanded between (M,) times and (M,) later ones."""
        if not self._times:
            return np.zeros((len(start_s), 6))
        until = self._until(np.concatenate([start_s, end_s]))
        return until[len(start_s) :] - until[: len(start_s)]

    def moved(self, start_s: float, end_s: float) -> np.ndarray:
        """(6,) the same between one time and a later one."""
        return self.told(np.array([start_s]), np.array([end_s]))[0]

    def _until(self, times: np.ndarray) -> np.ndarray:
        known, sums = np.array(self._times), np.array(self._sums)
        at = np.clip(np.searchsorted(known, times, side="right") - 1, 0, len(known) - 1)
        twists = np.vstack([np.diff(sums, axis=0) / np.diff(known)[:, None], self._twist])
        return sums[at] + np.maximum(times - known[at], 0.0)[:, None] * twists[at]
