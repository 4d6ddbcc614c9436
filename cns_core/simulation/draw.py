"""Random draws with a generator of their own, so that a run can be repeated and resumed."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Draw:
    """Tensors of random numbers on one device."""

    def __init__(self, seed: int, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, low: float | Tensor, high: float | Tensor, *shape: int) -> Tensor:
        """Uniform in [low, high); the bounds may be tensors that broadcast to ``shape``."""
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def log_uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform in the logarithm."""
        return self.uniform(math.log(low), math.log(high), *shape).exp()

    def normal(self, *shape: int) -> Tensor:
        """Standard normal."""
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def integer(self, low: int | Tensor, high: int | Tensor, *shape: int) -> Tensor:
        """Integers low..high, both included; the bounds may be tensors."""
        return (self.uniform(0, 1, *shape) * (high - low + 1)).long() + low

    def chance(self, probability: float | Tensor, *shape: int) -> Tensor:
        """Bool, true with the given probability (number or tensor)."""
        return torch.rand(*shape, generator=self.generator, device=self.device) < probability

    def disk(self, *shape: int) -> Tensor:
        """(..., 2) uniform in the unit disk."""
        radius = self.uniform(0, 1, *shape).sqrt()
        angle = self.uniform(0, 2 * math.pi, *shape)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)
