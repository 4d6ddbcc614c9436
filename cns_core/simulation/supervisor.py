"""The supervision: PBVS on true poses, in distance-decoupled form (paper, III-C)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cns_core.simulation.tensor_se3 import relative, rotation_log


def pbvs(R: Tensor, t: Tensor, R_goal: Tensor, t_goal: Tensor) -> Tensor:
    """Straight PBVS (Chaumette and Hutchinson 2006, Eq. 35): twists (B, 6), m/s and rad/s."""
    R_gc, t_gc = relative(R_goal, t_goal, R, t)
    v = -(R_gc.mT @ t_gc[..., None]).squeeze(-1)
    return torch.cat([v, -rotation_log(R_gc)], dim=-1)


def pbvs_in_view(R: Tensor, t: Tensor, R_goal: Tensor, t_goal: Tensor, center: Tensor) -> Tensor:
    """PBVS whose scene centre moves along a line in the camera's frame (ibid., Eq. 33).

    Both ends of that line are in view, hence all of it.

    Args:
        center: (B, 3) scene centres in the world, m.
    """
    R_gc, _ = relative(R_goal, t_goal, R, t)
    rotvec = rotation_log(R_gc)
    now = (R.mT @ (center - t)[..., None]).squeeze(-1)
    goal = (R_goal.mT @ (center - t_goal)[..., None]).squeeze(-1)
    # A point at rest moves by -v - w x p in the camera's frame; here that is to be goal - now.
    v = now - goal + torch.linalg.cross(rotvec, now)
    return torch.cat([v, -rotvec], dim=-1)


def blend(
    straight: Tensor, in_view: Tensor, threshold_deg: float, softness_deg: float = 5.0
) -> Tensor:
    """Straight while far from upright, in view once the turn about the optical axis is small.

    A large turn about the scene centre would swing the camera far around it.

    Args:
        straight, in_view: (B, 6) twists of the two laws.
        threshold_deg: turn at which both count alike.
    """
    turn_deg = straight[:, 5].abs() * (180 / math.pi)
    weight = torch.sigmoid((threshold_deg - turn_deg) / softness_deg)[:, None]
    return torch.lerp(straight, in_view, weight)


def decouple(twist: Tensor, distance_m: Tensor) -> Tensor:
    """Divide the linear half of (B, 6) twists by (B,) distances: [v/d, w] in 1/s and rad/s."""
    return torch.cat([twist[:, :3] / distance_m[:, None], twist[:, 3:]], dim=-1)
