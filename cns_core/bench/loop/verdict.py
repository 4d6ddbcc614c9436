"""What the servo said of the way left, against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cns_core.bench.loop.environments import Environment
from cns_core.control.guide import Remaining
from cns_core.geometry import se3


@dataclass(frozen=True)
class Verdict:
    """One frame's; None where structure knew no way.

    Attributes:
        remaining_mm, remaining_deg: the way left, as told.
        bound_mm, bound_deg: the 95 % bounds on its error, as told.
        error_mm, error_deg: its true error.
    """

    remaining_mm: float | None = None
    remaining_deg: float | None = None
    bound_mm: float | None = None
    bound_deg: float | None = None
    error_mm: float | None = None
    error_deg: float | None = None

    @staticmethod
    def of(told: Remaining | None, motion: np.ndarray | None, environment: Environment) -> Verdict:
        """Compare what was told, of which (6,) ``motion`` is the way, with where the goal is."""
        if told is None or motion is None:
            return Verdict()
        true = se3.inverse(environment.T) @ environment.T_goal
        ours = se3.exp(np.concatenate([np.zeros(3), motion[3:]]))
        ours[:3, 3] = motion[:3]
        return Verdict(
            told.translation_mm,
            told.rotation_deg,
            told.translation_bound_mm,
            told.rotation_bound_deg,
            1e3 * se3.translation_error_m(true, ours),
            se3.rotation_error_deg(true, ours),
        )

    @property
    def told(self) -> bool:
        """Whether there was one."""
        return self.error_mm is not None

    @property
    def mm_holds(self) -> bool:
        """Whether the translation's true error lies within its bound."""
        return self.error_mm is not None and self.error_mm <= (self.bound_mm or 0.0)

    @property
    def deg_holds(self) -> bool:
        """The same of the rotation."""
        return self.error_deg is not None and self.error_deg <= (self.bound_deg or 0.0)


def summarize(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The last one, fit for an episode's record; empty where the method gives none.

    Without a known way at the end ``verdict_mm_holds`` and ``verdict_deg_holds`` are None.
    """
    if not verdicts:
        return {}
    last = verdicts[-1]
    holds = {
        "verdict_mm_holds": last.mm_holds if last.told else None,
        "verdict_deg_holds": last.deg_holds if last.told else None,
    }
    return {f"verdict_{name}": value for name, value in asdict(last).items()} | holds


def verdict_trace(verdicts: Sequence[Verdict]) -> dict[str, list[float | None]]:
    """All of them as columns, rounded; empty where the method gives none."""
    if not verdicts:
        return {}
    frames = [asdict(verdict) for verdict in verdicts]
    return {
        f"verdict_{name}": [None if f[name] is None else round(f[name], 6) for f in frames]
        for name in frames[0]
    }
