"""When an episode has converged, diverged or lost its target."""

from collections import deque
from enum import Enum

import numpy as np

from cns_core.control.remaining_motion import estimate


class Status(str, Enum):
    """State of a servoing episode."""

    IDLE = "idle"
    SERVOING = "servoing"
    CONVERGED = "converged"
    DIVERGED = "diverged"
    LOST = "lost"

    def __str__(self):
        return self.value


class StopRule:
    """What all stop rules share: losing the target, diverging, and staying converged.

    Attributes:
        error: what the rule watches, normalized plane; inf before the first sighting.

    Args:
        min_matches: fewer matched keypoints than this do not count as seeing the target.
        lost_after_s: the target is lost when not seen for this long; seeing it again ends that.
        diverged_after_s: the episode has diverged when the error exceeded 1.5 times its first
            value plus 0.1 for this long and does not fall.
    """

    _TREND_S = 1.0
    _FALL = 0.02

    def __init__(self, *, min_matches=4, lost_after_s=2.0, diverged_after_s=2.0):
        self.error = float("inf")
        self.status = Status.IDLE
        self._min_matches = min_matches
        self._lost_after_s = lost_after_s
        self._diverged_after_s = diverged_after_s

    def start(self, desired):
        """Begin an episode towards (N, 2) desired keypoints, normalized plane."""
        self.error = float("inf")
        self.status = Status.SERVOING
        self._time_s = -float("inf")
        self._seen_s = self._tame_s = None
        self._error_limit = None
        self._errors = deque()
        self._begin(np.asarray(desired, dtype=float))

    def update(self, correspondence, time_s):
        """Take one observation and return the :class:`Status`.

        Converged and diverged are final until the next :meth:`start`; lost is not.

        Args:
            correspondence: :class:`Correspondence` over the keypoints given to :meth:`start`.
            time_s: when the image was taken, any clock that does not run backwards.

        Raises:
            RuntimeError: before :meth:`start`.
            ValueError: if the clock is not finite or ran backwards.
        """
        if self.status is Status.IDLE:
            raise RuntimeError("no episode yet: call start first")
        if not (np.isfinite(time_s) and time_s >= self._time_s):
            raise ValueError(f"time_s must be finite and not below {self._time_s}, got {time_s}")
        self._time_s = time_s
        if self.status in (Status.CONVERGED, Status.DIVERGED):
            return self.status
        if self._seen_s is None:
            self._seen_s = self._tame_s = time_s
        if correspondence.count < self._min_matches:
            self._forget()
            lost = time_s - self._seen_s >= self._lost_after_s
            self.status = Status.LOST if lost else Status.SERVOING
        else:
            self._seen_s = time_s
            self.status = self._judge(correspondence, time_s)
        return self.status

    def _judge(self, correspondence, time_s):
        converged = self._converged(correspondence, time_s)
        if self._error_limit is None:
            self._error_limit = 1.5 * self.error + 0.1
        if self.error <= self._error_limit:
            self._tame_s = time_s
        falls = self._falls(time_s)
        if converged:
            return Status.CONVERGED
        if time_s - self._tame_s >= self._diverged_after_s and not falls:
            return Status.DIVERGED
        return Status.SERVOING

    def _falls(self, time_s):
        """Whether the error is below what it was a second ago.

        Where the depth prior is much too small the camera turns long before it has come near, and
        the image gets worse before it gets better.
        """
        self._errors.append((time_s, self.error))
        while self._errors[0][0] < time_s - self._TREND_S:
            self._errors.popleft()
        return self.error < (1 - self._FALL) * self._errors[0][1]


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

    _MAX_WEIGHT = 20.0

    def __init__(self, *, bound=0.01, patience_s=0.5, **shared):
        super().__init__(**shared)
        self._bound = bound
        self._patience_s = patience_s

    def _begin(self, desired):
        self._weight = np.zeros(len(desired))
        self._recent = deque()

    def _forget(self):
        self._recent.clear()

    def _converged(self, correspondence, time_s):
        self.error = self._weighted_error(correspondence)
        if self.error > self._bound:
            self._recent.clear()
            return False
        self._recent.append((time_s, self.error))
        while len(self._recent) > 1 and self._recent[1][0] <= time_s - self._patience_s:
            self._recent.popleft()
        if time_s - self._recent[0][0] < self._patience_s:
            return False
        errors = [error for _, error in self._recent]
        return max(errors) <= 1.1 * min(errors) + 5e-4

    def _weighted_error(self, correspondence):
        seen = correspondence.matched
        first = seen & (self._weight == 0)
        self._weight = np.where(first, self._MAX_WEIGHT, 0.95 * self._weight + seen)
        gap = np.linalg.norm(correspondence.current - correspondence.desired, axis=1)[seen]
        best = np.argsort(gap)[: max(1, int(np.ceil(0.9 * len(gap))))]
        return float(np.average(gap[best], weights=self._weight[seen][best]))


class MotionStop(StopRule):
    """Stop when the camera motion that remains is as small as it will get.

    The motion is estimated from all keypoints (:mod:`.remaining_motion`): directions in
    which the image hardly changes count in full, so an episode does not end while the pose still
    improves unseen by the pixel error. It has converged when for ``dwell_s`` the motion was below
    a tolerance or drowned in the keypoints' noise, or when it certainly no longer falls: over two
    to eight seconds, the longer the more it scatters. What it watches is the median keypoint error,
    so that unverified matches may hold wrong ones.

    Attributes:
        motion: the last :class:`RemainingMotion`, or None while the error exceeds ``bound``.

    Args:
        bound: largest median keypoint error that may count as converged, normalized plane.
        largest_motion: largest remaining motion that may, in depths and rad.
        tolerance: remaining motion that is as good as none, in depths and rad.
        dwell_s: how long it must have been as good as none.
        window_s: shortest and longest span over which the motion must have stopped falling.
        least_rate: relative fall per second that still counts as falling.
    """

    _FEWEST = 5
    _WITHIN_NOISE = 3.0
    _LARGEST_NOISE = 4.0

    def __init__(
        self,
        *,
        bound=0.01,
        largest_motion=0.02,
        tolerance=2e-4,
        dwell_s=0.6,
        window_s=(2.0, 8.0),
        least_rate=0.1,
        **shared,
    ):
        super().__init__(**shared)
        self._tolerance = tolerance
        self._largest_motion = largest_motion
        self.motion = None
        self._bound = bound
        self._dwell_s = dwell_s
        self._shortest_s, self._longest_s = window_s
        self._least_rate = least_rate

    def _begin(self, desired):
        self._forget()

    def _forget(self):
        self.motion = None
        self._recent = deque()

    def _converged(self, correspondence, time_s):
        seen = correspondence.matched
        gap = correspondence.current[seen] - correspondence.desired[seen]
        self.error = float(np.median(np.linalg.norm(gap, axis=1)))
        if self.error > self._bound:
            self._forget()
            return False
        self.motion = estimate(correspondence.desired[seen], correspondence.current[seen])
        if self.motion.size > self._largest_motion:
            self._recent.clear()
            return False
        self._recent.append((time_s, self.motion.size, self.motion.deviation))
        while self._recent[0][0] < time_s - self._longest_s:
            self._recent.popleft()
        times, sizes, deviations = np.array(self._recent).T
        spans_s = np.linspace(self._shortest_s, self._longest_s, 7)
        return self._is_small(times, sizes, deviations) or any(
            self._is_settled(times, sizes, span_s) for span_s in spans_s
        )

    def _is_small(self, times, sizes, deviations):
        """Whether the motion has been as good as none for the dwell time."""
        if not self._spans(times, self._dwell_s):
            return False
        recent = times >= times[-1] - self._dwell_s
        noise = np.minimum(self._WITHIN_NOISE * deviations, self._LARGEST_NOISE * self._tolerance)
        return np.all(sizes[recent] < np.maximum(self._tolerance, noise)[recent])

    def _is_settled(self, times, sizes, span_s):
        """Whether the second half of the last ``span_s`` is certainly hardly unlike its first.

        A motion that grows is not settled either: the camera is still under way.
        """
        if not self._spans(times, span_s):
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
        return abs(early - late) + uncertainty < self._least_rate * apart_s * early

    def _spans(self, times, span_s):
        """Whether enough samples cover ``span_s``, give or take a frame that came early."""
        return times[-1] - times[0] >= 0.98 * span_s and (
            np.sum(times >= times[-1] - span_s) >= self._FEWEST
        )


STOP_RULES = {"motion": MotionStop, "pixel_error": PixelErrorStop}


def make_stop_rule(rule="default"):
    """Build a stop rule by name (``'default'`` or one of ``STOP_RULES``), or pass an object on."""
    if not isinstance(rule, str):
        return rule
    name = "motion" if rule == "default" else rule
    if name not in STOP_RULES:
        raise ValueError(f"stop rule must be one of {['default', *STOP_RULES]}, got {rule!r}")
    return STOP_RULES[name]()
