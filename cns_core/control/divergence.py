"""When an episode moves away from its goal instead of towards it."""

from collections import deque

_TREND_S = 1.0
_FALL = 0.02


class DivergenceTest:
    """Whether the error has long been large and does not fall.

    Large is more than 1.5 times its first value plus 0.1. It falls while it is below what it was a
    second ago: where the depth prior is much too small the camera turns long before it has come
    near, and the image gets worse before it gets better.

    Args:
        after_s: how long the error must have been large.
        start_s: when the episode's first frame was taken.
    """

    def __init__(self, after_s: float, start_s: float) -> None:
        self._after_s = after_s
        self._tame_s = start_s
        self._largest: float | None = None
        self._recent: deque[tuple[float, float]] = deque()

    def diverged(self, error: float, time_s: float) -> bool:
        """Take the error of one frame that sees the target."""
        if self._largest is None:
            self._largest = 1.5 * error + 0.1
        if error <= self._largest:
            self._tame_s = time_s
        falls = self._falls(error, time_s)
        return time_s - self._tame_s >= self._after_s and not falls

    def _falls(self, error: float, time_s: float) -> bool:
        self._recent.append((time_s, error))
        while self._recent[0][0] < time_s - _TREND_S:
            self._recent.popleft()
        return error < (1 - _FALL) * self._recent[0][1]
