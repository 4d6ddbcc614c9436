"""How the cameras move, and how far they are from their goals."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cns_core.simulation.batch import Batch
from cns_core.simulation.settings import RolloutSettings
from cns_core.simulation.supervisor import blend, decouple, pbvs, pbvs_in_view
from cns_core.simulation.tensor_se3 import move, relative, rotation_log


def supervision(batch: Batch, settings: RolloutSettings) -> Tensor:
    """(B, 6) distance-decoupled twists of the supervisor."""
    e = batch.environments
    straight = pbvs(e.R, e.t, e.R_goal, e.t_goal)
    in_view = pbvs_in_view(e.R, e.t, e.R_goal, e.t_goal, e.center)
    return decouple(blend(straight, in_view, settings.view_below_deg), e.distance)


def advance(batch: Batch, twist: Tensor, supervised: Tensor, settings: RolloutSettings) -> Batch:
    """Move the cameras by a step.

    Args:
        twist: (B, 6) decoupled twists of the policy.
        supervised: (B, 6) those of the supervisor, for the environments where it drives.
    """
    e = batch.environments
    command = torch.where(e.supervised[:, None], supervised, twist)
    command = command * (settings.fastest / command.norm(dim=-1, keepdim=True)).clamp(max=1.0)
    linear = (e.distance * torch.where(e.supervised, 1.0, e.prior))[:, None]
    scaled = torch.cat([command[:, :3] * linear, command[:, 3:]], dim=-1)
    R, t = move(e.R, e.t, scaled, settings.dt_s)
    moved = batch.with_environments(R=R, t=t, age=e.age + 1)
    return moved.with_environments(rested=torch.where(_at_goal(moved, settings), e.rested + 1, 0))


def errors(batch: Batch) -> tuple[Tensor, Tensor]:
    """Rotation errors in rad and translation errors in m, each (B,)."""
    e = batch.environments
    R, t = relative(e.R_goal, e.t_goal, e.R, e.t)
    return rotation_log(R).norm(dim=-1), t.norm(dim=-1)


def _at_goal(batch: Batch, settings: RolloutSettings) -> Tensor:
    rotation, translation = errors(batch)
    near = translation < settings.goal_translation_m
    return near & (rotation < math.radians(settings.goal_rotation_deg))
