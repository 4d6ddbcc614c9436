"""Desired and initial poses of the camera, about a scene at the origin with z up."""

import math

import torch

from cns_core.simulation.tensor_se3 import (
    axis_rotation,
    minimal_rotation,
    rotation_exp,
    rotation_log,
)


def hemisphere_pose(draw, distance_m, elevation_deg, roll_deg, tilt_deg):
    """Cameras that look at the origin from all around, then turned a little about their own axes.

    Args:
        distance_m: (B,) distances from the origin.
        elevation_deg: pair, range of the elevation above the horizon.
        roll_deg, tilt_deg: largest turn about the optical axis, and about the image's two axes.

    Returns:
        R (B, 3, 3) and t (B, 3): ``T_wc``, z forward, x right, y down.
    """
    count = len(distance_m)

    def angle(low, high):
        return draw.uniform(math.radians(low), math.radians(high), count)

    orbit = axis_rotation(2, angle(0, 360)) @ axis_rotation(1, math.pi / 2 - angle(*elevation_deg))
    looking_down = torch.diag(torch.tensor([1.0, -1.0, -1.0])).to(orbit)
    own = (
        axis_rotation(0, angle(-tilt_deg, tilt_deg))
        @ axis_rotation(1, angle(-tilt_deg, tilt_deg))
        @ axis_rotation(2, angle(-roll_deg, roll_deg))
    )
    return orbit @ looking_down @ own, orbit[:, :, 2] * distance_m[:, None]


def shorten(R_goal, t_goal, R, t, rotation_share, translation_share):
    """Move start poses towards the goal: keep (B,) shares of rotation and translation."""
    turn = rotation_log(R_goal.mT @ R) * rotation_share[:, None]
    return R_goal @ rotation_exp(turn), t_goal + (t - t_goal) * translation_share[:, None]


def aim(R, t, R_goal, t_goal, center):
    """Turn cameras, (B, 3, 3), so that scene centres (B, 3) appear where the goal sees them."""
    seen = _direction(R, t, center)
    wanted = _direction(R_goal, t_goal, center)
    return R @ minimal_rotation(seen, wanted).mT


def _direction(R, t, point):
    ray = (R.mT @ (point - t)[..., None]).squeeze(-1)
    return ray / ray.norm(dim=-1, keepdim=True)
