"""How late a stream of remote time stamps is, though nobody knows what the remote clock says."""

from __future__ import annotations

# Delay forgiven, s per s: more than clocks drift (1e-4), and so little that a busy moment, in which
# everything comes late, hardly moves the offset.
_FORGIVEN = 0.002


class Lag:
    """How far behind the newest of a sequence of remote timestamps is.

    The offset between two clocks is the smallest difference seen lately; whatever is more is delay.
    This notices a stream that stands still, one that becomes late, and a clock that is set back.

    Args:
        forgiven: delay in s that every second takes for drift of the clocks.
    """

    def __init__(self, forgiven: float = _FORGIVEN) -> None:
        self._forgiven = forgiven
        self._offset: float | None = None
        self._seen_at = 0.0

    @property
    def offset_s(self) -> float:
        """By how much the local clock is ahead of the remote one, with the least delay in it."""
        return self._offset or 0.0

    def measure(self, remote_s: float, now: float) -> float:
        """Lag in s of a timestamp at hand at ``now`` on the local clock."""
        offset = now - remote_s
        if self._offset is None:
            self._offset, self._seen_at = offset, now
        self._offset += self._forgiven * max(0.0, now - self._seen_at)
        self._offset, self._seen_at = min(self._offset, offset), now
        return offset - self._offset
