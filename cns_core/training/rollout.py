"""One window of on-policy training: simulate, predict, compare, move (paper, III-C and IV)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cns_core.simulation.batch import Batch
from cns_core.simulation.simulator import Simulator
from cns_core.training.losses import servo_losses
from cns_core.training.network.cns_network import CnsNetwork, twist


@dataclass(frozen=True, eq=False)
class Window:
    """What a window of steps gave.

    Attributes:
        direction_loss, norm_loss: means over environments and steps.
        batch: the environments after it.
        hidden: (C, width) memory after it, detached.
    """

    direction_loss: Tensor
    norm_loss: Tensor
    batch: Batch
    hidden: Tensor


class Rollout(nn.Module):
    """The network in closed loop with the simulator, as one differentiable step of training.

    A module of its own so that DistributedDataParallel sees one forward and one backward pass a
    window; gradients flow through the network's memory, not through the cameras' motion.

    Args:
        network: what is trained.
        bf16: run the network's matrix products in bfloat16.
    """

    def __init__(self, network: CnsNetwork, bf16: bool = False) -> None:
        super().__init__()
        self.network = network
        self.bf16 = bf16

    def forward(self, simulator: Simulator, batch: Batch, hidden: Tensor, steps: int) -> Window:
        """Advance all environments.

        Args:
            simulator: what advances them.
            batch: the environments before the window.
            hidden: (C, width) memory before the window.
            steps: length of the window.
        """
        device = simulator.draw.device
        total = torch.zeros(2, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
            target = self.network.target(batch.graphs())
        for _ in range(steps):
            with torch.no_grad():
                batch, seen = simulator.observe(batch)
                supervision = simulator.supervision(batch)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
                direction, norm, hidden = self.network(target, seen.current, seen.matched, hidden)
            direction, norm = direction.float(), norm.float()
            total = total + torch.stack(servo_losses(direction, norm, supervision)).mean(dim=1)
            with torch.no_grad():
                batch = simulator.advance(batch, twist(direction, norm), supervision)
        direction_loss, norm_loss = total / steps
        return Window(direction_loss, norm_loss, batch, hidden.detach())
