"""What all stop rules share: losing the target, diverging, and staying converged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.control.divergence import DivergenceTest
from cns_core.control.guide import Remaining
from cns_core.control.status import Status
from cns_core.geometry.correspondence import Correspondence


@dataclass(frozen=True)
class Judgement:
    """What a rule makes of one frame that sees the target.

    Attributes:
        error: what the rule watches, normalized plane.
        converged: whether the goal is reached.
    """

    error: float
    converged: bool


class ConvergenceTest(Protocol):
    """One episode's search for convergence."""

    def judge(
        self, correspondence: Correspondence, time_s: float, remaining: Remaining | None = None
    ) -> Judgement:
        """Take a frame that sees the target.

        Args:
            remaining: the way left as measured, None where it is not.
        """
        ...

    def forget(self) -> None:
        """The target is out of sight: what was seen before proves nothing any more."""


@dataclass
class _Episode:
    """State of one episode; before its first frame nothing can be lost for any time."""

    convergence: ConvergenceTest
    divergence: DivergenceTest | None = None
    status: Status = Status.SERVOING
    error: float = float("inf")
    time_s: float = -float("inf")
    seen_s: float = float("inf")
    unproven: bool = False


@dataclass(kw_only=True, eq=False)
class StopRule(ABC):
    """When an episode has converged, diverged or lost its target.

    Args:
        min_matches: fewer matched keypoints than this do not count as seeing the target.
        lost_after_s: the target is lost when not seen for this long; seeing it again ends that.
        diverged_after_s: the episode has diverged when the error exceeded 1.5 times its first
            value plus 0.1 for this long and does not fall.
    """

    min_matches: int = 4
    lost_after_s: float = 2.0
    diverged_after_s: float = 2.0
    _episode: _Episode | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def convergence_test(self, desired: NDArray[np.float64]) -> ConvergenceTest:
        """The rule's own half, for one episode towards (N, 2) ``desired`` keypoints."""

    @property
    def status(self) -> Status:
        """State after the newest frame; idle before the first :meth:`start`."""
        return self._episode.status if self._episode else Status.IDLE

    @property
    def error(self) -> float:
        """What the rule watches, normalized plane; inf before the first sighting."""
        return self._episode.error if self._episode else float("inf")

    @property
    def unproven(self) -> bool:
        """Whether the newest frame would have ended the episode, had it been proof of the goal."""
        return self._episode is not None and self._episode.unproven

    def start(self, desired: ArrayLike) -> None:
        """Begin an episode towards (N, 2) desired keypoints, normalized plane."""
        self._episode = _Episode(self.convergence_test(np.asarray(desired, dtype=float)))

    def update(
        self,
        correspondence: Correspondence,
        time_s: float,
        proven: bool = True,
        remaining: Remaining | None = None,
        astray: bool = False,
    ) -> Status:
        """Take one observation and return the :class:`Status`.

        Converged and diverged are final until the next :meth:`start`; lost is not.

        Args:
            correspondence: :class:`Correspondence` over the keypoints given to :meth:`start`.
            time_s: when the image was taken, any clock that does not run backwards.
            proven: whether the matches are known to be the scene's; without that nothing converges.
            remaining: the way left as measured, None where it is not.
            astray: whether the matches are known to lead away.

        Raises:
            RuntimeError: before :meth:`start`.
            ValueError: if the clock is not finite or ran backwards.
        """
        episode = self._episode
        if episode is None:
            raise RuntimeError("no episode yet: call start first")
        if not (np.isfinite(time_s) and time_s >= episode.time_s):
            raise ValueError(f"time_s must be finite and not below {episode.time_s}, got {time_s}")
        episode.time_s = time_s
        if episode.status.is_active:
            status = self._next(episode, correspondence, time_s, proven, remaining)
            episode.status = Status.DIVERGED if astray and status.is_active else status
        return episode.status

    def _next(
        self,
        episode: _Episode,
        correspondence: Correspondence,
        time_s: float,
        proven: bool,
        remaining: Remaining | None,
    ) -> Status:
        """The status that a frame of an episode under way leads to."""
        episode.seen_s = min(episode.seen_s, time_s)
        episode.unproven = False
        if episode.divergence is None:
            episode.divergence = DivergenceTest(self.diverged_after_s, time_s)
        if correspondence.count < self.min_matches:
            episode.convergence.forget()
            lost = time_s - episode.seen_s >= self.lost_after_s
            return Status.LOST if lost else Status.SERVOING
        episode.seen_s = time_s
        judgement = episode.convergence.judge(correspondence, time_s, remaining)
        episode.error = judgement.error
        diverged = episode.divergence.diverged(judgement.error, time_s)
        if judgement.converged and proven:
            return Status.CONVERGED
        episode.unproven = judgement.converged
        return Status.DIVERGED if diverged else Status.SERVOING
