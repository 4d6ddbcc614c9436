"""Does the arm do what it is told? Finds late feedback, a slow network and an obstructed arm."""

from __future__ import annotations

from collections import deque

import numpy as np

PATIENCE_S = 0.1
_LINEAR_TOLERANCE_M_S = 0.03
_ANGULAR_TOLERANCE_RAD_S = 0.15


class FollowCheck:
    """Compares the measured twist with the commands sent in the last moments.

    An arm that follows has, in every component, a velocity between the least and the greatest that
    it was sent within the time it needs to follow.

    Args:
        window_s: that time.
        patience_s: how long it may be outside before it counts as not following.
    """

    def __init__(self, window_s: float, patience_s: float = PATIENCE_S):
        self.window_s = window_s
        self.patience_s = patience_s
        self.reset()

    def reset(self) -> None:
        """Begin at rest."""
        self._sent: deque[tuple[float, np.ndarray]] = deque([(-np.inf, np.zeros(6))])
        self._inside_at: float | None = None

    def sent(self, twist: np.ndarray, now: float) -> None:
        """Note a (6,) twist sent at ``now``; a command stays in effect until the next one."""
        self._sent.append((now, np.array(twist)))
        while len(self._sent) > 1 and self._sent[1][0] < now - self.window_s:
            self._sent.popleft()

    def deviation(self, measured: np.ndarray, now: float, speed_scaling: float = 1.0) -> str:
        """What is wrong with the (6,) ``measured`` twist, empty if the arm follows.

        Args:
            speed_scaling: the controller's own slow-down in [0, 1].
        """
        commands = np.array([twist for _, twist in self._sent])
        commands = np.vstack([commands, speed_scaling * commands])
        outside = np.maximum(commands.min(axis=0) - measured, measured - commands.max(axis=0))
        linear, angular = np.linalg.norm(np.maximum(outside, 0.0).reshape(2, 3), axis=1)
        follows = linear <= _LINEAR_TOLERANCE_M_S and angular <= _ANGULAR_TOLERANCE_RAD_S
        if follows or self._inside_at is None:
            self._inside_at = now
        if now - self._inside_at <= self.patience_s:
            return ""
        return (
            f"the arm does not follow (off by {linear:.3f} m/s, {angular:.3f} rad/s): late "
            "feedback, slow network or obstructed"
        )
