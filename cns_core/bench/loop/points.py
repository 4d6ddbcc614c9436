"""The `points` environment: projected 3-D points with section IV's imperfect correspondence."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import Environment
from cns_core.bench.loop.poses import SECTIONS
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.simulation.batch import Batch
from cns_core.simulation.draw import Draw
from cns_core.simulation.evaluation_scenes import evaluation_settings
from cns_core.simulation.motion import errors
from cns_core.simulation.settings import SimulationSettings
from cns_core.simulation.simulator import Simulator

MISMATCH_SHARE = 0.1
POINTS = (64, 512)


class PointsEnvironment(Environment):
    """One environment of the training's simulator, moved from outside.

    Keypoints appear and vanish (Eq. 5 and 6 of the paper), jitter, and a tenth is mismatched.

    Args:
        simulator: what advances the correspondences.
        batch: the environment, alone.
        conditions, rng: as for :class:`Environment`.
    """

    def __init__(
        self,
        simulator: Simulator,
        batch: Batch,
        conditions: Conditions,
        rng: np.random.Generator,
    ) -> None:
        env = batch.environments
        T_goal, T_start = _pose(env.R_goal, env.t_goal), _pose(env.R, env.t)
        super().__init__(T_goal, T_start, env.distance.item(), conditions, rng)
        self.desired = batch.keypoints.desired.double().numpy()
        self._simulator = simulator
        self._batch = batch

    def correspondence(self) -> Correspondence:
        """What an observer would answer now."""
        here = self._batch.with_environments(
            R=torch.from_numpy(self.T[None, :3, :3]).float(),
            t=torch.from_numpy(self.T[None, :3, 3]).float(),
        )
        self._batch, seen = self._simulator.observe(here)
        return Correspondence(self.desired, seen.current.double().numpy(), seen.matched.numpy())

    def keypoint_depths(self, seen: Correspondence) -> NDArray[np.float64]:
        """As of :class:`Environment`; of a mismatched keypoint its own, not the other's."""
        world = self._batch.keypoints.world.double().numpy()[seen.matched]
        return np.array([(world - T[:3, 3]) @ T[:3, 2] for T in (self.T, self.T_goal)])


def points_environment(section: str, index: int, conditions: Conditions) -> PointsEnvironment:
    """Scene ``index`` of a section, found by drawing until the initial rotation lies in it."""
    low, high = SECTIONS[section]
    rng = np.random.default_rng([3, list(SECTIONS).index(section), index])
    settings = evaluation_settings(SimulationSettings(), MISMATCH_SHARE)
    simulator = Simulator(settings, Draw(int(rng.integers(2**31))))
    while True:
        batch = simulator.fresh(1, POINTS)
        if low <= errors(batch)[0].rad2deg().item() < high:
            return PointsEnvironment(simulator, batch, conditions, rng)


def _pose(R: Tensor, t: Tensor) -> NDArray[np.float64]:
    return se3.pose(R[0].double().numpy(), t[0].double().numpy())
