"""The stop rule on the estimated camera motion that remains."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.control.guide import Remaining
from cns_core.control.remaining_motion import RemainingMotion, estimate
from cns_core.control.stop_rule import Judgement, StopRule
from cns_core.geometry.correspondence import Correspondence

FEWEST_FRAMES = 5
_EARLY = 0.98
"""Of a time span, which a frame that came a little early still ends."""
_WITHIN_NOISE = 3.0
_LARGEST_NOISE = 4.0


@dataclass(kw_only=True, eq=False)
class MotionStop(StopRule):
    """Stop when the camera motion that remains is as small as it will get.

    The motion is estimated from all keypoints (:mod:`.remaining_motion`): directions in
    which the image hardly changes count in full, so an episode does not end while the pose still
    improves unseen by the pixel error. It has converged when for ``dwell_s`` the motion was below
    a tolerance or drowned in the keypoints' noise, or when it certainly no longer falls: over two
    to eight seconds, the longer the more it scatters. What it watches is the median keypoint error,
    so that unverified matches may hold wrong ones.

    Args:
        bound: largest median keypoint error that may count as converged, normalized plane.
        largest_motion: largest remaining motion that may, in depths and rad.
        tolerance: remaining motion that is as good as none, in depths and rad.
        dwell_s: how long it must have been as good as none.
        window_s: shortest and longest span over which the motion must have stopped falling.
        least_rate: relative fall per second that still counts as falling.
    """

    bound: float = 0.01
    largest_motion: float = 0.02
    tolerance: float = 2e-4
    dwell_s: float = 0.6
    window_s: tuple[float, float] = (2.0, 8.0)
    least_rate: float = 0.1

    def convergence_test(self, desired: NDArray[np.float64]) -> "MotionTest":
        return MotionTest(self)


class MotionTest:
    """One episode's newest remaining motions, as (time, size, deviation)."""

    def __init__(self, rule: MotionStop) -> None:
        self._rule = rule
        self._recent: deque[tuple[float, float, float]] = deque()

    def forget(self) -> None:
        """Wait anew for a motion that is small or settled."""
        self._recent.clear()

    def judge(
        self, correspondence: Correspondence, time_s: float, remaining: Remaining | None = None
    ) -> Judgement:
        """Take a frame that sees the target; the matches alone decide."""
        seen = correspondence.matched
        desired, current = correspondence.desired[seen], correspondence.current[seen]
        error = float(np.median(np.linalg.norm(current - desired, axis=1)))
        motion = None
        if error <= self._rule.bound:
            motion = estimate(desired, current, correspondence.weight[seen])
        return Judgement(error, converged=self._converged(motion, time_s))

    def _converged(self, motion: RemainingMotion | None, time_s: float) -> bool:
        if motion is None or motion.size > self._rule.largest_motion:
            self._recent.clear()
            return False
        shortest_s, longest_s = self._rule.window_s
        self._recent.append((time_s, motion.size, motion.deviation))
        while self._recent[0][0] < time_s - longest_s:
            self._recent.popleft()
        times, sizes, deviations = np.array(self._recent).T
        return self._is_small(times, sizes, deviations) or any(
            self._is_settled(times, sizes, span_s)
            for span_s in np.linspace(shortest_s, longest_s, 7)
        )

    def _is_small(
        self,
        times: NDArray[np.float64],
        sizes: NDArray[np.float64],
        deviations: NDArray[np.float64],
    ) -> bool:
        """Whether the motion has been as good as none for the dwell time."""
        rule = self._rule
        if not _spans(times, rule.dwell_s):
            return False
        recent = times >= times[-1] - rule.dwell_s
        noise = np.minimum(_WITHIN_NOISE * deviations, _LARGEST_NOISE * rule.tolerance)
        return bool(np.all(sizes[recent] < np.maximum(rule.tolerance, noise)[recent]))

    def _is_settled(
        self, times: NDArray[np.float64], sizes: NDArray[np.float64], span_s: float
    ) -> bool:
        """Whether the second half of the last ``span_s`` is certainly hardly unlike its first.

        A motion that grows is not settled either: the camera is still under way.
        """
        if not _spans(times, span_s):
            return False
        recent = times >= times[-1] - span_s
        times, sizes = times[recent], sizes[recent]

        half = len(sizes) // 2
        early, late = sizes[:half].mean(), sizes[half:].mean()
        # Scatter about a straight line, not about the mean: the fall itself is no noise.
        centred = times - times.mean()
        trend = sizes.mean() + centred * (centred @ sizes) / (centred @ centred)
        uncertainty = 2.0 * np.std(sizes - trend) * np.sqrt(4.0 / len(sizes))
        apart_s = 0.5 * (times[-1] - times[0])
        return bool(abs(early - late) + uncertainty < self._rule.least_rate * apart_s * early)


def covers(first_s: float, last_s: float, span_s: float) -> bool:
    """Whether there are ``span_s`` from one time to another, give or take an early frame."""
    return last_s - first_s >= _EARLY * span_s


def _spans(times: NDArray[np.float64], span_s: float) -> bool:
    """Whether enough samples cover ``span_s``."""
    recent = np.sum(times >= times[-1] - span_s)
    return covers(times[0], times[-1], span_s) and bool(recent >= FEWEST_FRAMES)
