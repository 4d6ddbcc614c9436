"""The stop rule on the measured way left and the bound of its error."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.control.guide import Remaining
from cns_core.control.motion_stop import MotionStop, MotionTest, spans
from cns_core.control.stop_rule import Judgement
from cns_core.geometry.correspondence import Correspondence


@dataclass(kw_only=True, eq=False)
class VerdictStop(MotionStop):
    """Stop when what is left of the way cannot be told from nothing.

    Where the way left is measured, an episode has converged as soon as translation and rotation
    have stayed below the 95 % bounds of their own errors for ``told_s``: going on, the camera would
    follow noise. The bounds must be small themselves, and hold where they are proven
    (docs/structure.md); a way that is vague, or not known at all, leaves the end to
    :class:`.MotionStop`, whose conditions go on to count beside this one.

    Args:
        told_s: how long the way left must not have been told from nothing.
        vaguest: largest bounds that are believed, in mm and deg.
    """

    told_s: float = 0.16
    vaguest: tuple[float, float] = (1.0, 0.3)

    def convergence_test(self, desired: NDArray[np.float64]) -> "VerdictTest":
        return VerdictTest(self)


class VerdictTest(MotionTest):
    """One episode's newest frames: when they were taken, and whether a way was left to go."""

    def __init__(self, rule: VerdictStop) -> None:
        super().__init__(rule)
        self._verdict = rule
        self._arrived_s: deque[float] = deque()

    def forget(self) -> None:
        """Wait anew."""
        super().forget()
        self._arrived_s.clear()

    def judge(
        self, correspondence: Correspondence, time_s: float, remaining: Remaining | None = None
    ) -> Judgement:
        """Take a frame that sees the target."""
        judgement = super().judge(correspondence, time_s)
        if judgement.error > self._verdict.bound or not self._nothing_left(remaining):
            self._arrived_s.clear()
            return judgement
        self._arrived_s.append(time_s)
        arrived = spans(np.array(self._arrived_s), self._verdict.told_s)
        return Judgement(judgement.error, judgement.converged or arrived)

    def _nothing_left(self, remaining: Remaining | None) -> bool:
        if remaining is None:
            return False
        bounds = remaining.translation_bound_mm, remaining.rotation_bound_deg
        left = remaining.translation_mm, remaining.rotation_deg
        vague = any(bound > most for bound, most in zip(bounds, self._verdict.vaguest, strict=True))
        return not vague and all(way <= bound for way, bound in zip(left, bounds, strict=True))
