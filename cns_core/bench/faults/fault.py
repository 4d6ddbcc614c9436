"""One injected fault: what is done, how soon the arm must notice, and what has to be said of it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.rig import FaultRig

Rig = TypeVar("Rig", bound=FaultRig)

PHASES = ("rest", "motion")
"""The arm is armed and stands, or moves at full speed."""


def _nothing(rig: FaultRig) -> None:
    """Nothing to repair."""


def never(config: UrConfig) -> float:
    """Detection time of a fault that the arm does not stop for."""
    return math.inf


@dataclass(frozen=True)
class Fault(Generic[Rig]):
    """One fault.

    Attributes:
        name: of the row.
        inject: does it and returns when, on the monotonic clock.
        detection_s: longest time until braking begins, from the settings of the arm.
        causes: words of which one must stand in the status; none if the arm has to go on
            undisturbed.
        repair: undoes it, so that only the driver keeps the arm from moving.
        hides: whether the status can be had only after the repair.
        before_motion: whether it shows only where the speed changes, so that it is injected before
            the motion begins, and at rest does not disturb.
        unseen_at_rest: whether an arm at rest shows nothing of it, so that it does not disturb.
    """

    name: str
    inject: Callable[[Rig], float]
    detection_s: Callable[[UrConfig], float] = never
    causes: tuple[str, ...] = ()
    repair: Callable[[Rig], object] = _nothing
    hides: bool = False
    before_motion: bool = False
    unseen_at_rest: bool = False

    def stops(self, phase: str) -> bool:
        """Whether the arm has to stop for it in a phase."""
        seen_at_rest = not (self.before_motion or self.unseen_at_rest)
        return bool(self.causes) and (phase == "motion" or seen_at_rest)


def at_once(action: Callable[[Rig], object]) -> Callable[[Rig], float]:
    """An injection that begins when ``action`` is called."""

    def inject(rig: Rig) -> float:
        at = time.monotonic()
        action(rig)
        return at

    return inject
