"""Which keypoints are found and where: a frame's correspondences (paper, IV-B)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cns_core.simulation import mismatches, observability
from cns_core.simulation.batch import Batch
from cns_core.simulation.draw import Draw
from cns_core.simulation.projection import project
from cns_core.simulation.settings import SimulationSettings
from cns_core.simulation.tensor_se3 import relative, rotation_log


@dataclass(frozen=True, eq=False)
class Observation:
    """What an observer would answer for all environments.

    Attributes:
        current: (P, 2) where the keypoints are found, normalized plane.
        matched: (P,) bool, which are.
    """

    current: Tensor
    matched: Tensor


def settle(batch: Batch, settings: SimulationSettings, draw: Draw) -> Batch:
    """The batch with the keypoints' states drawn as they are in the long run."""
    env, key = batch.environments, batch.keypoints
    observable = draw.chance(_observable_probability(batch, settings), len(key.env))
    wrong = draw.chance(env.lasting[key.env], len(key.env))
    other = mismatches.pick(draw, key.env, env.points) - env.first_point[key.env]
    partner = torch.where(wrong, other, batch.own)
    return batch.with_keypoints(observable=observable, partner=partner)


def observe(batch: Batch, settings: SimulationSettings, draw: Draw) -> tuple[Batch, Observation]:
    """Advance the correspondences by a frame."""
    s, env, key = settings.correspondence, batch.environments, batch.keypoints
    probability = _observable_probability(batch, settings)
    if s.kinetic_monte_carlo:
        observable = observability.kinetic_monte_carlo(
            draw, key.observable, probability, key.tau, settings.rollout.dt_s
        )
    else:
        observable = draw.chance(probability, len(key.env))
    first = env.first_point[key.env]
    partner = mismatches.exchange(
        draw,
        first + key.partner,
        key.env,
        env.points,
        env.lasting[key.env],
        s.mismatch_hold_s,
        settings.rollout.dt_s,
    )
    projected, in_view = _project(batch)
    found = observable & in_view & ~draw.chance(env.miss[key.env], len(key.env))
    kept = observability.keep_at_least(
        found, probability * in_view, key.env, env.points, s.fewest_share, s.fewest
    )
    current = mismatches.scatter(
        draw, projected[partner], env.fleeting[key.env], env.half_extent[key.env]
    )
    current = mismatches.jitter(draw, current, env.jitter[key.env])
    advanced = batch.with_keypoints(observable=observable, partner=partner - first)
    return advanced, Observation(current, kept & in_view & in_view[partner])


def visible(batch: Batch) -> Tensor:
    """(B,) long, keypoints in view of the current camera."""
    in_view = _project(batch)[1]
    return torch.bincount(batch.keypoints.env[in_view], minlength=len(batch))


def _project(batch: Batch) -> tuple[Tensor, Tensor]:
    """(P, 2) keypoints in the current normalized plane and whether they are in the image."""
    env, key = batch.environments, batch.keypoints
    local = ((key.world - env.t[key.env])[:, None] @ env.R[key.env]).squeeze(1)
    return project(local, env.half_extent[key.env])


def _observable_probability(batch: Batch, settings: SimulationSettings) -> Tensor:
    """(P,) share of the time that each keypoint is observable from the current pose.

    Without kernels it is the mean of what they give, for all keypoints of an environment.
    """
    env, key = batch.environments, batch.keypoints
    R, t = relative(env.R_start, env.t_start, env.R, env.t)
    travelled = observability.travel(rotation_log(R), t, env.radius)
    kernels = observability.kernel_centers(
        env.gradients, env.phase, travelled, env.middle, env.extent
    )
    probability = observability.observable_probability(
        key.desired, kernels[key.env], (env.sigma * env.extent.mean(dim=-1))[key.env]
    )
    if settings.correspondence.kernels:
        return probability
    return (torch.bincount(key.env, probability, len(batch)) / env.points)[key.env].float()
