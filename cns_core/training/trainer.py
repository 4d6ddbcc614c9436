"""The training loop's state and its one step; what surrounds it is in :mod:`.train`."""

import math
from dataclasses import replace

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cns_core.policy.variants import make_network
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training.rollout import Rollout


class Trainer:
    """Everything that advances: network, average, optimizer, environments and their memory.

    Args:
        settings: :class:`cns_core.training.settings.Settings`.
        device: where all of it lives.
        rank, world: this process among those that average their gradients.
    """

    def __init__(self, settings, device="cpu", rank=0, world=1):
        self.settings = settings
        self.world = world
        torch.manual_seed(settings.seed)
        self.network = make_network(**vars(settings.network)).to(device)
        average = get_ema_multi_avg_fn(1 - settings.optimizer.average)
        self.average = AveragedModel(self.network, multi_avg_fn=average)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=1.0)
        self.rollout = Rollout(self.network, settings.optimizer.bf16)
        if world > 1:
            self.rollout = torch.nn.parallel.DistributedDataParallel(self.rollout)
        self.draw = Draw(settings.seed * 1000 + rank, device)
        self.simulator = Simulator(settings, self.draw)
        self.hidden = None
        self.step = 0
        self.updates = 0

    def _groups(self):
        """Weights decay; biases and norms do not."""
        decay, rest = [], []
        for parameter in self.network.parameters():
            (decay if parameter.ndim > 1 else rest).append(parameter)
        return [
            {"params": decay, "weight_decay": self.settings.optimizer.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]

    @property
    def done(self):
        """Whether the curriculum is through."""
        return self.step >= self.settings.steps

    def rate(self):
        """Learning rate now: the phase's, after a warm-up, geometric between its two ends."""
        phase, progress = self.settings.phase_at(self.step)
        first, last = phase.rate
        warmth = min(1.0, (self.updates + 1) / self.settings.optimizer.warmup_updates)
        return warmth * first * (last / first) ** progress

    def window(self):
        """One update: simulate a window, back-propagate, step, renew ended environments.

        Returns:
            A dictionary of figures for the log.
        """
        phase, progress = self.settings.phase_at(self.step)
        length = round(_between(phase.length, progress))
        points = (phase.points[0], phase.points[1])
        self.simulator.settings = replace(
            self.settings, scene=replace(self.settings.scene, **phase.scene)
        )
        if self.simulator.env is None:
            self.simulator.reset(self.settings.environments, points)
            self._stagger(length)
        steps = min(phase.window, length)
        rate = self.rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate

        direction, norm, self.hidden = self.rollout(self.simulator, self.hidden, steps)
        loss = direction + self.settings.optimizer.norm_weight * norm
        self.optimizer.zero_grad()
        loss.backward()
        gradient = torch.nn.utils.clip_grad_norm_(
            self.network.parameters(), self.settings.optimizer.clip
        )
        if math.isfinite(gradient):
            self.optimizer.step()
            self.average.update_parameters(self.network)
        rotation, translation = self.simulator.errors()
        figures = {
            "length": length,
            "rate": rate,
            "loss": loss.item(),
            "direction_loss": direction.item(),
            "norm_loss": norm.item(),
            "gradient": gradient.item(),
            "rotation_error_deg": math.degrees(rotation.mean().item()),
            "translation_error_mm": 1e3 * translation.mean().item(),
        }
        self.step += steps * self.settings.environments * self.world
        self.updates += 1
        self._renew(length, points)
        return figures

    def _stagger(self, length):
        """Give the first environments different ages, so that they do not all end together."""
        age = self.draw.integer(0, length - 1, self.settings.environments)
        self.simulator.env.age = age

    @torch.no_grad()
    def _renew(self, length, points):
        """Replace environments that reached their end, rested at the goal or lost their target.

        Most of a long episode would be spent at the goal, where nothing but noise is left to learn.
        """
        s = self.simulator
        rested = s.env.rested >= self.settings.rollout.rest_steps
        lost = s.visible() < self.settings.correspondence.fewest
        ended = (s.env.age >= length) | rested | lost
        if not ended.any():
            return
        kept = s.renew(ended, points)
        self.hidden = self.hidden[kept.clamp_min(0)] * (kept >= 0)[:, None]

    def state(self):
        """Everything needed to go on as if never interrupted, but this process's randomness."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "updates": self.updates,
        }

    def local_state(self):
        """This process's own share: environments, memory and random generator; None at first."""
        if self.simulator.env is None:
            return None
        return {
            "simulator": self.simulator.state(),
            "hidden": self.hidden,
            "generator": self.draw.generator.get_state(),
        }

    def load(self, state, local):
        """Go on from :meth:`state` and :meth:`local_state`; without the latter, with fresh ones."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.updates = state["step"], state["updates"]
        if local is not None:
            self.simulator.load(local["simulator"])
            self.hidden = local["hidden"]
            self.draw.generator.set_state(local["generator"].cpu())


def _between(pair, progress):
    return pair[0] + (pair[1] - pair[0]) * progress
