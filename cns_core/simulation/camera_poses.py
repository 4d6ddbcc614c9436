"""Desired and initial poses of the camera, about a scene at the origin with z up."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cns_core.simulation.draw import Draw
from cns_core.simulation.settings import Range, SceneSettings
from cns_core.simulation.tensor_se3 import (
    axis_rotation,
    minimal_rotation,
    rotation_exp,
    rotation_log,
)


def hemisphere_pose(
    draw: Draw, distance_m: Tensor, elevation_deg: Range, roll_deg: float, tilt_deg: float
) -> tuple[Tensor, Tensor]:
    """Cameras that look at the origin from all around, then turned a little about their own axes.

    Args:
        distance_m: (B,) distances from the origin.
        elevation_deg: pair, range of the elevation above the horizon.
        roll_deg, tilt_deg: largest turn about the optical axis, and about the image's two axes.

    Returns:
        R (B, 3, 3) and t (B, 3): ``T_wc``, z forward, x right, y down.
    """
    count = len(distance_m)

    def angle(low: float, high: float) -> Tensor:
        return draw.uniform(math.radians(low), math.radians(high), count)

    orbit = axis_rotation(2, angle(0, 360)) @ axis_rotation(1, math.pi / 2 - angle(*elevation_deg))
    looking_down = torch.diag(torch.tensor([1.0, -1.0, -1.0])).to(orbit)
    own = (
        axis_rotation(0, angle(-tilt_deg, tilt_deg))
        @ axis_rotation(1, angle(-tilt_deg, tilt_deg))
        @ axis_rotation(2, angle(-roll_deg, roll_deg))
    )
    return orbit @ looking_down @ own, orbit[:, :, 2] * distance_m[:, None]


def draw_initial_poses(
    draw: Draw, settings: SceneSettings, R_goal: Tensor, t_goal: Tensor, center: Tensor
) -> tuple[Tensor, Tensor]:
    """Initial poses: from anywhere, some nearer to the goal, some with the scene in place.

    Args:
        R_goal, t_goal: (B, 3, 3) and (B, 3), the desired cameras.
        center: (B, 3) scene centres, m.

    Returns:
        R (B, 3, 3) and t (B, 3).
    """
    count = len(center)
    R, t = hemisphere_pose(
        draw,
        draw.uniform(*settings.initial_distance_m, count),
        settings.initial_elevation_deg,
        settings.initial_roll_deg,
        settings.initial_tilt_deg,
    )
    near = draw.chance(settings.near_share, count)
    rotation, translation = (
        torch.where(near, draw.uniform(0, 1, count).square(), 1.0) for _ in range(2)
    )
    R, t = shorten(R_goal, t_goal, R, t, rotation, translation)
    aimed = near | draw.chance(settings.aimed_share, count)
    aimed = aimed & draw.chance(settings.aim_success, count)
    return torch.where(aimed[:, None, None], aim(R, t, R_goal, t_goal, center), R), t


def shorten(
    R_goal: Tensor,
    t_goal: Tensor,
    R: Tensor,
    t: Tensor,
    rotation_share: Tensor,
    translation_share: Tensor,
) -> tuple[Tensor, Tensor]:
    """Move start poses towards the goal: keep (B,) shares of rotation and translation."""
    turn = rotation_log(R_goal.mT @ R) * rotation_share[:, None]
    return R_goal @ rotation_exp(turn), t_goal + (t - t_goal) * translation_share[:, None]


def aim(R: Tensor, t: Tensor, R_goal: Tensor, t_goal: Tensor, center: Tensor) -> Tensor:
    """Turn cameras, (B, 3, 3), so that scene centres (B, 3) appear where the goal sees them."""
    seen = _direction(R, t, center)
    wanted = _direction(R_goal, t_goal, center)
    return R @ minimal_rotation(seen, wanted).mT


def _direction(R: Tensor, t: Tensor, point: Tensor) -> Tensor:
    ray = (R.mT @ (point - t)[..., None]).squeeze(-1)
    return ray / ray.norm(dim=-1, keepdim=True)
