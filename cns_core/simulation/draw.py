"""Random draws with a generator of their own, so that a run can be repeated and resumed."""

import math

import torch


class Draw:
    """Tensors of random numbers on one device."""

    def __init__(self, seed, device="cpu"):
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, low, high, *shape):
        """Uniform in [low, high); the bounds may be tensors that broadcast to ``shape``."""
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def log_uniform(self, low, high, *shape):
        """Uniform in the logarithm."""
        return self.uniform(math.log(low), math.log(high), *shape).exp()

    def normal(self, *shape):
        """Standard normal."""
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def integer(self, low, high, *shape):
        """Integers low..high, both included; the bounds may be tensors."""
        return (self.uniform(0, 1, *shape) * (high - low + 1)).long() + low

    def chance(self, probability, *shape):
        """Bool, true with the given probability (number or tensor)."""
        return torch.rand(*shape, generator=self.generator, device=self.device) < probability

    def disk(self, *shape):
        """(..., 2) uniform in the unit disk."""
        radius = self.uniform(0, 1, *shape).sqrt()
        angle = self.uniform(0, 2 * math.pi, *shape)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)
