"""Scenes of keypoints, and the desired cameras that see them (paper, IV-A)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cns_core.simulation.camera_poses import hemisphere_pose
from cns_core.simulation.draw import Draw
from cns_core.simulation.projection import project
from cns_core.simulation.scenes import sample_scenes
from cns_core.simulation.settings import SceneSettings

WIDEST = 1.5
"""Largest radius of a scene over half the width that the desired image shows of it."""


@dataclass(frozen=True, eq=False)
class DesiredViews:
    """B scenes as the desired cameras see them; P keypoints, sorted by scene."""

    world: Tensor  # (P, 3) m
    desired: Tensor  # (P, 2) normalized plane
    env: Tensor  # (P,) long, which scene
    counts: Tensor  # (B,) long, keypoints of each
    radius: Tensor  # (B,) of the scene, m
    R_goal: Tensor  # (B, 3, 3), the desired camera's pose
    t_goal: Tensor  # (B, 3) m
    half_extent: Tensor  # (B, 2) of the image, normalized plane

    def sorted_by(self, order: Tensor) -> DesiredViews:
        """The same with the keypoints in another order."""
        return replace(
            self, world=self.world[order], desired=self.desired[order], env=self.env[order]
        )

    def bounds(self) -> tuple[Tensor, Tensor]:
        """(B, 2) least and (B, 2) largest coordinates of the desired keypoints of each scene."""
        owner = self.env[:, None].expand(-1, 2)
        shape = len(self.counts), 2
        low = self.desired.new_full(shape, torch.inf)
        high = self.desired.new_full(shape, -torch.inf)
        return (
            low.scatter_reduce(0, owner, self.desired, "amin"),
            high.scatter_reduce(0, owner, self.desired, "amax"),
        )

    def centers(self) -> Tensor:
        """(B, 3) means of the scenes' keypoints, m."""
        total = self.world.new_zeros(len(self.counts), 3).index_add_(0, self.env, self.world)
        return total / self.counts[:, None]


def draw_desired_views(
    draw: Draw, settings: SceneSettings, count: int, points: tuple[int, int], fewest: int
) -> DesiredViews:
    """Draw ``count`` scenes and keep the keypoints that the desired image shows.

    Args:
        points: fewest and most keypoints of a scene, before those out of view are left out.
        fewest: so many stay whatever the view, so that no scene is left without keypoints.
    """
    half_width = draw.uniform(*settings.half_width, count)
    height = half_width * draw.uniform(*settings.aspect, count)
    half_extent = torch.stack([half_width, height], dim=-1)
    wanted = draw.log_uniform(points[0], points[1] + 1, count).long()
    distance = draw.uniform(*settings.desired_distance_m, count)
    radius = draw.uniform(*settings.radius_m, count).minimum(WIDEST * distance * half_width)
    height_m = draw.uniform(*settings.height_m, count)
    world = sample_scenes(draw, wanted, radius, height_m, settings.bare_share)
    R, t = hemisphere_pose(
        draw,
        distance,
        settings.desired_elevation_deg,
        settings.desired_roll_deg,
        settings.desired_tilt_deg,
    )
    desired, in_view = project((world - t[:, None]) @ R, half_extent[:, None])
    index = torch.arange(world.shape[1], device=world.device)
    real = (index < wanted[:, None]) & (in_view | (index < fewest))
    return DesiredViews(
        world=world[real],
        desired=desired[real],
        env=real.nonzero()[:, 0],
        counts=real.sum(dim=1),
        radius=radius,
        R_goal=R,
        t_goal=t,
        half_extent=half_extent,
    )
