"""The straight way of ``cns-structure`` with the goal known from the first frame: its bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.bench.methods.method import Situation
from cns_core.control.controller import Controller
from cns_core.control.structure_law import StructureLaw
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.structure.commands import Commands
from cns_core.structure.estimate import Estimate, straight_motion


class StraightTruth(Controller):
    """:class:`.StructureLaw` by the true pose, at the same gain and limits, its delay known too.

    At this gain and within these limits the straight way takes no fewer steps.

    Args:
        situation: of the episode.
    """

    min_matches = 0

    def __init__(self, situation: Situation) -> None:
        self._truth = situation.truth
        self._prior_m = situation.depth_prior_m
        self._delay_s = situation.truth.conditions.delay_frames * situation.period_s
        self._law = StructureLaw(delay_s=self._delay_s)
        self._commands = Commands()

    def start(self, desired: NDArray[np.float64]) -> None:
        """Nothing to prepare: the goal is known."""

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w], camera optical frame; the correspondence is not looked at."""
        now_s = self._truth.time_s
        on_the_way = self._commands.moved(now_s - self._delay_s, now_s)
        twist = self._law.direct(self._way().after(on_the_way))
        self._commands.give(now_s, twist)
        return np.concatenate([twist[:3] / self._prior_m, twist[3:]])

    def _way(self) -> Estimate:
        """What is left, without an error."""
        motion = straight_motion(se3.inverse(self._truth.T) @ self._truth.T_goal)
        return Estimate(motion, np.zeros((6, 6)), self._truth.distance_m, 0.0, 0, 1.0)
