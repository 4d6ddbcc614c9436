"""The poses told for the last frames, at any times between them."""

from __future__ import annotations

from collections import deque

import numpy as np

from cns_core.geometry.rotation import rotation_matrices, rotation_vector

_KEPT = 60
_LONGEST_GAP_S = 0.5


class PoseTrack:
    """Poses by time, without gaps."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_KEPT)
        self._poses: deque[np.ndarray] = deque(maxlen=_KEPT)
        # Rotation vectors from each pose to the next.
        self._turns: deque[np.ndarray] = deque(maxlen=_KEPT - 1)

    @property
    def start_s(self) -> float:
        """The time of the first pose that is kept."""
        return self._times[0]

    def add(self, time_s: float, T: np.ndarray) -> bool:
        """Note a (4, 4) pose; False if there was a gap before it, and it is the first one now."""
        joins = not self._times or 0.0 < time_s - self._times[-1] < _LONGEST_GAP_S
        if not joins:
            self._times.clear()
            self._poses.clear()
            self._turns.clear()
        if self._poses:
            self._turns.append(rotation_vector(self._poses[-1][:3, :3].T @ T[:3, :3]))
        self._times.append(time_s)
        self._poses.append(T)
        return joins

    def at(self, times: np.ndarray) -> np.ndarray:
        """(K, 4, 4) poses at (K,) times, with the nearest interval's motion beyond the ends.

        In each interval as :func:`~cns_core.structure.odometry.interpolate` has it.
        """
        told = np.array(self._poses)
        if len(told) < 2:
            return np.repeat(told, len(times), axis=0)
        known = np.array(self._times)
        before = np.clip(np.searchsorted(known, times) - 1, 0, len(known) - 2)
        share = ((times - known[before]) / np.diff(known)[before])[:, None]
        T = told[before]
        T[:, :3, :3] = T[:, :3, :3] @ rotation_matrices(share * np.array(self._turns)[before])
        T[:, :3, 3] += share * np.diff(told[:, :3, 3], axis=0)[before]
        return T
