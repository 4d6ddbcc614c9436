"""Wrong correspondences and imprecise ones (paper, IV-B)."""

from __future__ import annotations

import torch
from torch import Tensor

from cns_core.simulation.draw import Draw


def exchange(
    draw: Draw,
    partner: Tensor,
    env: Tensor,
    counts: Tensor,
    share: Tensor,
    hold_s: float,
    dt_s: float,
) -> Tensor:
    """Advance lasting mismatches: some keypoints are taken for another one of their scene.

    Args:
        partner: (P,) long, the keypoint each is taken for, itself where matched rightly.
        env: (P,) long, increasing: the environment of each keypoint.
        counts: (B,) long, keypoints of each environment.
        share: (P,) share of wrong ones in the long run.
        hold_s: mean time a wrong one lasts; exponential.

    Returns:
        The new (P,) ``partner``.
    """
    own = torch.arange(len(partner), device=partner.device)
    wrong = partner != own
    ends = wrong & draw.chance(dt_s / hold_s, len(partner))
    begins = ~wrong & draw.chance(dt_s / hold_s * share / (1 - share), len(partner))
    other = pick(draw, env, counts)
    return torch.where(begins, other, torch.where(ends, own, partner))


def pick(draw: Draw, env: Tensor, counts: Tensor) -> Tensor:
    """(P,) long: for each keypoint a random one of the same environment."""
    start = counts.cumsum(0) - counts
    offset = (draw.uniform(0, 1, len(env)) * counts[env]).long()
    return start[env] + offset.clamp(max=counts[env] - 1)


def scatter(draw: Draw, current: Tensor, share: Tensor, half_extent: Tensor) -> Tensor:
    """Replace a (P,) share of (P, 2) keypoints by points anywhere in the image, anew each frame.

    Args:
        half_extent: (P, 2) half width and height of the image, normalized plane.
    """
    anywhere = draw.uniform(-half_extent, half_extent, *current.shape)
    return torch.where(draw.chance(share, len(current))[:, None], anywhere, current)


def jitter(draw: Draw, current: Tensor, sigma: Tensor) -> Tensor:
    """Add normal noise of (P,) standard deviations to (P, 2) keypoints."""
    return current + sigma[:, None] * draw.normal(*current.shape)
