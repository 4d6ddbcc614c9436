"""Gradient noise on the line (Perlin, "Improving noise", 2002)."""

from __future__ import annotations

import torch
from torch import Tensor


def perlin_1d(gradients: Tensor, x: Tensor) -> Tensor:
    """Smooth noise that is zero at the integers, in -0.5..0.5.

    Args:
        gradients: (..., G) slopes in -1..1 at the integers, repeated with period G.
        x: (...) where to evaluate it.
    """
    cell = x.floor()
    f = x - cell
    period = gradients.shape[-1]
    left, right = (
        gradients.take_along_dim(((cell.long() + k) % period)[..., None], dim=-1).squeeze(-1)
        for k in (0, 1)
    )
    fade = f * f * f * (f * (f * 6 - 15) + 10)
    return torch.lerp(left * f, right * (f - 1), fade)
