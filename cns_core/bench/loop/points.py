"""The `points` environment: projected 3-D points with section IV's imperfect correspondence."""

import numpy as np
import torch

from cns_core.bench.loop.environments import Environment
from cns_core.bench.loop.poses import SECTIONS
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training.evaluate import evaluation_settings
from cns_core.training.settings import Settings

MISMATCH_SHARE = 0.1
POINTS = (64, 512)


class PointsEnvironment(Environment):
    """One environment of the training's simulator, moved from outside.

    Keypoints appear and vanish (Eq. 5 and 6 of the paper), jitter, and a tenth is mismatched.
    """

    def __init__(self, simulator, conditions, rng):
        env = simulator.env
        T_goal, T_start = _pose(env.R_goal, env.t_goal), _pose(env.R, env.t)
        super().__init__(T_goal, T_start, env.distance.item(), conditions, rng)
        self.desired = simulator.key.desired.double().numpy()
        self._simulator = simulator

    def correspondence(self):
        """What an observer would answer now."""
        env = self._simulator.env
        env.R = torch.from_numpy(self.T[None, :3, :3]).float()
        env.t = torch.from_numpy(self.T[None, :3, 3]).float()
        current, matched = self._simulator.observe()
        return Correspondence(self.desired, current.double().numpy(), matched.numpy())


def points_environment(section, index, conditions):
    """Scene ``index`` of a section, found by drawing until the initial rotation lies in it."""
    low, high = SECTIONS[section]
    settings = evaluation_settings(Settings(curriculum=()), MISMATCH_SHARE)
    rng = np.random.default_rng([3, list(SECTIONS).index(section), index])
    simulator = Simulator(settings, Draw(int(rng.integers(2**31))))
    while True:
        simulator.reset(1, POINTS)
        if low <= simulator.errors()[0].rad2deg().item() < high:
            return PointsEnvironment(simulator, conditions, rng)


def _pose(R, t):
    return se3.pose(R[0].double().numpy(), t[0].double().numpy())
