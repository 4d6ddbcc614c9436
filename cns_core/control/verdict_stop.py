"""The stop rule on the measured way left and the bound of its error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.control.guide import Remaining
from cns_core.control.motion_stop import FEWEST_FRAMES, MotionStop, MotionTest, covers
from cns_core.control.stop_rule import Judgement
from cns_core.geometry.correspondence import Correspondence

_CERTAINLY = 2.0
"""Times its bound a way is long that is no error."""
_NEGLIGIBLE = 0.2, 0.03
"""A way in mm, and in deg, that need not be gone, however well it is known."""


@dataclass(kw_only=True, eq=False)
class VerdictStop(MotionStop):
    """Stop when what is left of the way cannot be told from nothing.

    Where the way left is measured, an episode has converged as soon as translation and rotation
    have stayed below the 95 % bounds of their own errors for ``told_s``: going on, the camera would
    follow noise. The bounds must be small themselves, and hold where they are proven
    (docs/structure.md); a way that is vague, goes by the twists given, or is not known at all,
    leaves the end to :class:`.MotionStop`, whose conditions go on to count beside this one, but not
    against a way that is measured to be twice its bound.

    Args:
        told_s: how long the way left must not have been told from nothing.
        vaguest: largest bounds that are believed, in mm and deg.
    """

    told_s: float = 0.16
    vaguest: tuple[float, float] = (1.0, 0.3)

    def convergence_test(self, desired: NDArray[np.float64]) -> "VerdictTest":
        return VerdictTest(self)


class VerdictTest(MotionTest):
    """One episode's newest frames, as far as no way was left to go in them.

    A frame that came without a pose says neither yes nor no.
    """

    def __init__(self, rule: VerdictStop) -> None:
        super().__init__(rule)
        self._verdict = rule
        self._arrived_s: list[float] = []

    def forget(self) -> None:
        """Wait anew."""
        super().forget()
        self._arrived_s.clear()

    def judge(
        self, correspondence: Correspondence, time_s: float, remaining: Remaining | None = None
    ) -> Judgement:
        """Take a frame that sees the target."""
        judgement = super().judge(correspondence, time_s)
        if judgement.converged and self._way_left(remaining, time_s):
            judgement = Judgement(judgement.error, False)
        if judgement.error > self._verdict.bound or not self._nothing_left(remaining):
            self._arrived_s.clear()
            return judgement
        if remaining is not None and remaining.time_s == time_s:
            self._arrived_s.append(time_s)
        return Judgement(judgement.error, judgement.converged or self._arrived())

    def _arrived(self) -> bool:
        """Whether that is so in enough frames for long enough, however slow the camera is."""
        if len(self._arrived_s) < FEWEST_FRAMES:
            return False
        return covers(self._arrived_s[0], self._arrived_s[-1], self._verdict.told_s)

    def _way_left(self, remaining: Remaining | None, time_s: float) -> bool:
        """Whether a way is measured now that certainly is one, whatever the image looks like."""
        if remaining is None or remaining.time_s != time_s:
            return False
        least_mm, least_deg = _NEGLIGIBLE
        return remaining.translation_mm > max(
            _CERTAINLY * remaining.translation_bound_mm, least_mm
        ) or remaining.rotation_deg > max(_CERTAINLY * remaining.rotation_bound_deg, least_deg)

    def _nothing_left(self, remaining: Remaining | None) -> bool:
        if remaining is None:
            return False
        bounds = remaining.translation_bound_mm, remaining.rotation_bound_deg
        left = remaining.translation_mm, remaining.rotation_deg
        vague = any(bound > most for bound, most in zip(bounds, self._verdict.vaguest, strict=True))
        return not vague and all(way <= bound for way, bound in zip(left, bounds, strict=True))
