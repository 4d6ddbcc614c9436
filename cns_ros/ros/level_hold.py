"""Keeps a diagnosis from flickering: worse news at once or soon, better ones once they last."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

WARN_AFTER_S = 0.5
"""A warning is told once it has lasted so long; an error is told at once."""
RECOVERED_AFTER_S = 2.0
"""A better level is told once nothing worse has come for so long."""

Told = tuple[bytes, str]
"""Level and message."""


class LevelHold:
    """Hysteresis of a level that is looked at again and again.

    Attributes:
        recovering_s: for how long the diagnosis has been better than what is told; 0 if it is not.
    """

    def __init__(self) -> None:
        self.recovering_s = 0.0
        self._told: Told | None = None
        self._worse_since_s: float | None = None
        self._better_since_s: float | None = None

    def take(self, level: bytes, message: str, now_s: float) -> Told:
        """What to tell, given what is so at ``now_s`` on a steady clock."""
        if self._told is None or level == self._told[0]:
            return self._tell(level, message)
        if level > self._told[0]:
            self._better_since_s, self.recovering_s = None, 0.0
            self._worse_since_s = _since(self._worse_since_s, now_s)
            lasted = now_s - self._worse_since_s >= WARN_AFTER_S
            if lasted or level != DiagnosticStatus.WARN:
                return self._tell(level, message)
            return self._told
        self._worse_since_s = None
        self._better_since_s = _since(self._better_since_s, now_s)
        self.recovering_s = now_s - self._better_since_s
        if self.recovering_s >= RECOVERED_AFTER_S:
            return self._tell(level, message)
        return self._told

    def _tell(self, level: bytes, message: str) -> Told:
        self._told = level, message
        self._worse_since_s = self._better_since_s = None
        self.recovering_s = 0.0
        return self._told


def _since(begun_s: float | None, now_s: float) -> float:
    return now_s if begun_s is None else begun_s
