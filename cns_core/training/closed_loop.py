"""A policy in closed loop on projected points, and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cns_core.simulation.clustering import Clustering, batched_kmeans
from cns_core.simulation.draw import Draw
from cns_core.simulation.motion import errors
from cns_core.simulation.settings import SimulationSettings
from cns_core.simulation.simulator import Points, Simulator
from cns_core.simulation.success import PAPER_GATE
from cns_core.training.network.cns_network import CnsNetwork, twist

SEED = 12345
"""Of the scenes that training watches too: quote figures from another one."""

_BOUND_DEG, _BOUND_MM = PAPER_GATE


@dataclass(frozen=True, eq=False)
class Result:
    """What became of each of B episodes.

    Attributes:
        initial_deg: (B,) initial rotation error.
        rotation_deg, translation_mm: (B,) final errors.
        steps: (B,) step from which on an episode stayed within the success bounds.
    """

    initial_deg: Tensor
    rotation_deg: Tensor
    translation_mm: Tensor
    steps: Tensor

    @property
    def success(self) -> Tensor:
        """(B,) bool, final errors within the paper's bounds."""
        return (self.rotation_deg < _BOUND_DEG) & (self.translation_mm < _BOUND_MM)

    def summary(self, which: Tensor | slice = slice(None)) -> dict[str, float]:
        """Figures over the episodes ``which``; errors and steps are means over successes."""
        ok = self.success[which]
        return {
            "success": ok.float().mean().item(),
            "steps": self.steps[which][ok].float().mean().item(),
            "rotation_error_deg": self.rotation_deg[which][ok].mean().item(),
            "translation_error_mm": self.translation_mm[which][ok].mean().item(),
        }

    def sections(self) -> dict[str, dict[str, float]]:
        """Summaries of the thirds S, M, L by initial rotation, and of all (A)."""
        order = self.initial_deg.argsort()
        small, medium, large = order.tensor_split(3)
        parts = {"S": small, "M": medium, "L": large, "A": order}
        return {name: self.summary(which) for name, which in parts.items()}


@torch.no_grad()
def evaluate(
    network: CnsNetwork,
    settings: SimulationSettings,
    episodes: int,
    steps: int,
    points: Points,
    seed: int = SEED,
    cluster: Clustering = batched_kmeans,
) -> Result:
    """Servo all episodes for ``steps`` frames.

    Args:
        network: the policy.
        settings: such as from :func:`~cns_core.simulation.evaluation_scenes.evaluation_settings`.
        points: fewest and most keypoints of a scene.
        seed: of the scenes.
        cluster: how the desired keypoints are put into clusters.
    """
    simulator = Simulator(settings, Draw(seed), cluster)
    batch = simulator.fresh(episodes, points)
    initial, translation = errors(batch)
    rotation = initial
    target = network.target(batch.graphs())
    hidden = None
    settled = torch.zeros(episodes, dtype=torch.long)
    for step in range(1, steps + 1):
        batch, seen = simulator.observe(batch)
        direction, norm, hidden = network(target, seen.current, seen.matched, hidden)
        batch = simulator.advance(batch, twist(direction, norm), torch.zeros(episodes, 6))
        rotation, translation = errors(batch)
        outside = (rotation > math.radians(_BOUND_DEG)) | (translation > 1e-3 * _BOUND_MM)
        settled[outside] = step
    return Result(initial.rad2deg(), rotation.rad2deg(), 1e3 * translation, settled)
