"""Environments that advance together, as tensors and without a loop over them.

The simulator holds settings and randomness; what changes is a :class:`.Batch`, of which every step
takes one and gives the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from cns_core.simulation import fresh, motion, observation
from cns_core.simulation.batch import Batch
from cns_core.simulation.clustering import Clustering, batched_kmeans
from cns_core.simulation.draw import Draw
from cns_core.simulation.observation import Observation
from cns_core.simulation.renewal import replace_environments
from cns_core.simulation.settings import SceneSettings, SimulationSettings

Points = tuple[int, int]
"""Fewest and most keypoints of a scene."""


@dataclass(frozen=True)
class Simulator:
    """Makes batches of environments and advances them.

    Args:
        settings: what is drawn and how it moves.
        draw: the source of all randomness.
        cluster: how the desired keypoints are put into clusters.
    """

    settings: SimulationSettings
    draw: Draw
    cluster: Clustering = batched_kmeans

    def fresh(self, count: int, points: Points, scene: SceneSettings | None = None) -> Batch:
        """``count`` new environments.

        Args:
            points: fewest and most keypoints of a scene.
            scene: in place of the settings' own.
        """
        settings = self.settings if scene is None else replace(self.settings, scene=scene)
        return fresh.draw_batch(self.draw, settings, self.cluster, count, points)

    def renew(
        self, batch: Batch, which: Tensor, points: Points, scene: SceneSettings | None = None
    ) -> tuple[Batch, Tensor]:
        """Replace the environments of the (B,) bool mask ``which`` by new ones, as :meth:`fresh`.

        Returns:
            The new batch and (C,) long: for each of its clusters the row in the old batch, -1 where
            it is new; what memory to keep.
        """
        return replace_environments(batch, which, self.fresh(int(which.sum()), points, scene))

    def observe(self, batch: Batch) -> tuple[Batch, Observation]:
        """Advance the correspondences by a frame."""
        return observation.observe(batch, self.settings, self.draw)

    def supervision(self, batch: Batch) -> Tensor:
        """(B, 6) distance-decoupled twists of the supervisor."""
        return motion.supervision(batch, self.settings.rollout)

    def advance(self, batch: Batch, twist: Tensor, supervised: Tensor) -> Batch:
        """Move the cameras by (B, 6) decoupled twists, or the supervisor's where it drives."""
        return motion.advance(batch, twist, supervised, self.settings.rollout)
