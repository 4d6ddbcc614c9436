"""A loop without images: IBVS for a policy, structure beside it, a camera in a world of points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from support_structure import START, World

from cns_core.control.depth_prior import Prior
from cns_core.control.guide import StructureGuide
from cns_core.control.ibvs import IbvsController
from cns_core.control.motion_stop import MotionStop
from cns_core.control.regulator import Regulator, Step
from cns_core.control.stop_rule import StopRule
from cns_core.geometry import se3

DT = 0.04


class Loop:
    """A regulator with IBVS for a policy that moves a camera in a :class:`World`, two frames late.

    Args:
        pose: the measured pose of a camera at ``T``, None for a pose that is not measured.
        start: where the camera begins.
        late_s: how much earlier than told the camera was where a pose says.
        stop: ends the episode; None for the image's motion alone.
    """

    def __init__(
        self,
        prior: Prior = 0.6,
        pose: Callable[[np.ndarray], np.ndarray | None] | None = None,
        guided: bool = True,
        mounting: np.ndarray | None = None,
        seed: int = 0,
        delay_s: float = 0.08,
        start: np.ndarray = START,
        objects: int = 0,
        late_s: float = 0.0,
        stop: StopRule | None = None,
    ) -> None:
        self.world = World(seed, objects=objects)
        self.T = start
        self.steps: list[Step] = []
        self._pose = pose or self.world.odometry
        self._mounting = np.eye(6) if mounting is None else se3.adjoint(mounting)
        self._pending = [np.zeros(6)] * 2
        self._late_s, self._obeyed = late_s, np.zeros(6)
        guide = StructureGuide(delay_s=delay_s) if guided else None
        self.regulator = Regulator(IbvsController(), stop or MotionStop(), guide=guide)
        self.regulator.start(self.world.desired, prior)

    def run(self, most: int = 400, unseen: bool = False) -> int:
        """Number of steps until converged, or until there were ``most`` in all.

        Args:
            unseen: nothing is matched meanwhile.
        """
        while len(self.steps) < most:
            n, seen = len(self.steps), self.world.matches(self.T)
            if unseen:
                seen = replace(seen, matched=np.zeros(len(seen.desired), bool))
            pose = self._pose(self.T @ se3.exp(-self._late_s * self._obeyed))
            step = self.regulator.step(seen, n * DT, pose)
            self.steps.append(step)
            if step.status == "converged":
                return n
            self._pending.append(step.twist)
            self._obeyed = self._mounting @ self._pending.pop(0)
            self.T = self.T @ se3.exp(DT * self._obeyed)
        return most

    @property
    def error_mm(self) -> float:
        """How far the camera is from the goal."""
        return 1e3 * se3.translation_error_m(self.T, self.world.goal)
