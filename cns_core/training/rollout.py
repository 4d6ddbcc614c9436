"""One window of on-policy training: simulate, predict, compare, move (paper, III-C and IV)."""

import torch
from torch import nn

from cns_core.policy.network import twist
from cns_core.training.losses import servo_losses


class Rollout(nn.Module):
    """The network in closed loop with the simulator, as one differentiable step of training.

    A module of its own so that DistributedDataParallel sees one forward and one backward pass a
    window; gradients flow through the network's memory, not through the cameras' motion.

    Args:
        network: :class:`cns_core.policy.network.CnsNetwork`.
        bf16: run the network's matrix products in bfloat16.
    """

    def __init__(self, network, bf16=False):
        super().__init__()
        self.network = network
        self.bf16 = bf16

    def forward(self, simulator, hidden, steps):
        """Advance all environments.

        Args:
            simulator: :class:`cns_core.simulation.simulator.Simulator`.
            hidden: (C, width) memory before the window, None (zero) at first.
            steps: length of the window.

        Returns:
            Mean direction and norm losses, and the detached (C, width) memory after the window.
        """
        total = 0
        with torch.autocast(simulator.draw.device.type, torch.bfloat16, enabled=self.bf16):
            target = self.network.target(simulator.graphs())
        for _ in range(steps):
            with torch.no_grad():
                current, matched = simulator.observe()
                supervision = simulator.supervision()
            with torch.autocast(simulator.draw.device.type, torch.bfloat16, enabled=self.bf16):
                direction, norm, hidden = self.network(target, current, matched, hidden)
            direction, norm = direction.float(), norm.float()
            total = total + torch.stack(servo_losses(direction, norm, supervision)).mean(dim=1)
            with torch.no_grad():
                simulator.advance(twist(direction, norm), supervision)
        direction_loss, norm_loss = total / steps
        return direction_loss, norm_loss, hidden.detach()
