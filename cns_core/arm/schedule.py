"""A periodic schedule that corrects itself: a late tick does not delay the ones after it."""

from __future__ import annotations

from collections import deque

import numpy as np

_REMEMBERED = 1500


class Schedule:
    """Ticks at fixed times on a steady clock.

    Args:
        period_s: time between ticks.
        now: the time of the first tick.
    """

    def __init__(self, period_s: float, now: float):
        self.period_s = period_s
        self.missed = 0
        self._due = now
        self._ticked_at: float | None = None
        self._intervals: deque[float] = deque(maxlen=_REMEMBERED)

    def remaining(self, now: float) -> float:
        """Seconds until the next tick is due, not negative."""
        return max(0.0, self._due - now)

    def tick(self, now: float) -> None:
        """Note a tick at ``now``. Missed ticks are left out, not made up for in a burst."""
        if self._ticked_at is not None:
            self._intervals.append(now - self._ticked_at)
        self._ticked_at = now
        self._due += self.period_s
        if now > self._due:
            late = int((now - self._due) / self.period_s) + 1
            self.missed += late
            self._due += late * self.period_s

    def restart(self, now: float) -> None:
        """Begin anew with a tick at ``now``, metrics included."""
        self._due = now
        self._ticked_at = None
        self._intervals.clear()
        self.missed = 0

    def metrics(self) -> dict[str, float]:
        """Dict of rate_hz, jitter_p50_ms, jitter_p99_ms and missed, empty before the second tick.

        Jitter is the difference of an interval from the period.
        """
        if not self._intervals:
            return {}
        intervals = np.array(self._intervals)
        p50, p99 = np.percentile(1e3 * np.abs(intervals - self.period_s), [50, 99])
        return {
            "rate_hz": float(1.0 / intervals.mean()),
            "jitter_p50_ms": float(p50),
            "jitter_p99_ms": float(p99),
            "missed": self.missed,
        }
