"""The loss (paper, Eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

SLOWEST = 1e-3
"""Supervised speeds are not told apart below this (1/s and rad/s together)."""


def inverse_norm(size: Tensor) -> Tensor:
    """The raw norm l with ``1 + ELU(l) == size``: a logarithm below one, a line above."""
    size = size.clamp_min(SLOWEST)
    return torch.where(size > 1, size - 1, size.log())


def servo_losses(direction: Tensor, norm: Tensor, supervision: Tensor) -> tuple[Tensor, Tensor]:
    """Direction and norm losses, each (B,).

    Args:
        direction: (B, 6) predicted; only its direction counts.
        norm: (B, 1) raw predicted norm.
        supervision: (B, 6) distance-decoupled twist.
    """
    size = supervision.norm(dim=-1)
    return (
        1 - cosine_similarity(direction, supervision, dim=-1),
        (norm[:, 0] - inverse_norm(size)).square(),
    )
