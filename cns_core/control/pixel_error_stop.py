"""The stop rule of the CNS authors: a small keypoint error that no longer changes."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.control.guide import Remaining
from cns_core.control.stop_rule import Judgement, StopRule
from cns_core.geometry.correspondence import Correspondence

_MAX_WEIGHT = 20.0


@dataclass(kw_only=True, eq=False)
class PixelErrorStop(StopRule):
    """The rule of the CNS authors: stop when a small keypoint error no longer changes.

    Each keypoint carries a weight, 20 at its first sighting and ``0.95 weight + seen`` afterwards;
    the error is the weighted mean distance to the goal of all but the worst tenth. Below ``bound``
    the episode ends once all errors of the last ``patience_s`` lie within 1.1 times their minimum
    plus 5e-4.

    Args:
        bound: largest error that may count as converged, normalized plane.
        patience_s: how long the error must not change.
    """

    bound: float = 0.01
    patience_s: float = 0.5

    def convergence_test(self, desired: NDArray[np.float64]) -> "PixelErrorTest":
        return PixelErrorTest(len(desired), self.bound, self.patience_s)


class PixelErrorTest:
    """One episode's weights of its ``count`` keypoints, and its newest errors."""

    def __init__(self, count: int, bound: float, patience_s: float) -> None:
        self._bound, self._patience_s = bound, patience_s
        self._weight = np.zeros(count)
        self._recent: deque[tuple[float, float]] = deque()

    def forget(self) -> None:
        """Wait anew for an error that does not change."""
        self._recent.clear()

    def judge(
        self, correspondence: Correspondence, time_s: float, remaining: Remaining | None = None
    ) -> Judgement:
        """Take a frame that sees the target; the matches alone decide."""
        error = self._weighted_error(correspondence)
        if error > self._bound:
            self._recent.clear()
            return Judgement(error, converged=False)
        self._recent.append((time_s, error))
        while len(self._recent) > 1 and self._recent[1][0] <= time_s - self._patience_s:
            self._recent.popleft()
        return Judgement(error, converged=self._rests(time_s))

    def _rests(self, time_s: float) -> bool:
        if time_s - self._recent[0][0] < self._patience_s:
            return False
        errors = [error for _, error in self._recent]
        return max(errors) <= 1.1 * min(errors) + 5e-4

    def _weighted_error(self, correspondence: Correspondence) -> float:
        seen = correspondence.matched
        first = seen & (self._weight == 0)
        self._weight = np.where(first, _MAX_WEIGHT, 0.95 * self._weight + seen)
        gap = np.linalg.norm(correspondence.current - correspondence.desired, axis=1)[seen]
        best = np.argsort(gap)[: max(1, int(np.ceil(0.9 * len(gap))))]
        return float(np.average(gap[best], weights=self._weight[seen][best]))
