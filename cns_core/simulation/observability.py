"""Which keypoints are found: regions that shift, states that flip (paper, IV-B)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cns_core.simulation.draw import Draw
from cns_core.simulation.perlin import perlin_1d


def travel(rotvec: Tensor, translation: Tensor, radius_m: Tensor) -> Tensor:
    """Eq. 6, the argument of the noise: how far the camera is from where it started.

    Args:
        rotvec, translation: (B, 3) motion since the start, rad and m.
        radius_m: (B,) size of the scene.
    """
    return 0.2 / math.pi * rotvec.norm(dim=-1) + 0.2 / radius_m * translation.norm(dim=-1)


def kernel_centers(
    gradients: Tensor, phase: Tensor, travelled: Tensor, middle: Tensor, extent: Tensor
) -> Tensor:
    """Eq. 6: centres (B, K, 2) of the observable regions, walking as the camera moves.

    Args:
        gradients: (B, K, 2, G) slopes of the noise, one function for each coordinate.
        phase: (B, K, 2) where on its noise each starts.
        travelled: (B,) from :func:`travel`.
        middle, extent: (B, 2) middle and full extent of the desired keypoints, normalized plane.
    """
    noise = perlin_1d(gradients, phase + travelled[:, None, None])
    return middle[:, None] + 1.5 * noise * extent[:, None]


def observable_probability(keypoints: Tensor, centers: Tensor, sigma: Tensor) -> Tensor:
    """Eq. 5: ``max_j exp(-|s - k_j|^2 / (2 sigma^2))``, (P,).

    Args:
        keypoints: (P, 2) normalized plane.
        centers: (P, K, 2) the regions' centres, of each keypoint's scene.
        sigma: (P,) the regions' width.
    """
    square = (keypoints[:, None] - centers).square().sum(dim=-1).amin(dim=-1)
    return (-square / (2 * sigma**2)).exp()


def kinetic_monte_carlo(
    draw: Draw, observable: Tensor, probability: Tensor, tau_s: Tensor, dt_s: float
) -> Tensor:
    """Flip (P,) bool states; lifetimes are exponential, in the mean p tau seen and (1 - p) tau not.

    In the long run a keypoint is seen for the share p of the time.
    """
    lifetime = torch.where(observable, probability, 1 - probability) * tau_s
    flips = draw.chance(1 - (-dt_s / lifetime.clamp_min(1e-6)).exp(), len(observable))
    return observable ^ flips


def keep_at_least(
    observable: Tensor, score: Tensor, env: Tensor, counts: Tensor, share: float, fewest: int
) -> Tensor:
    """Add the most probable keypoints where fewer than a share of an environment's are observable.

    Args:
        observable: (P,) bool.
        score: (P,) in 0..1, which to add first.
        env: (P,) long, increasing: the environment of each keypoint.
        counts: (B,) long, keypoints of each environment.
        share: smallest share observable.
        fewest: smallest number observable.
    """
    # Observable ones first, then by score, within each environment.
    sort_key = 4.0 * env.double() - observable.double() * 2 - score.double()
    order = sort_key.argsort()
    start = counts.cumsum(0) - counts
    rank = torch.empty_like(env)
    rank[order] = torch.arange(len(env), device=env.device) - start[env]
    needed = (share * counts).ceil().long().clamp_min(fewest)
    return observable | (rank < needed[env])
