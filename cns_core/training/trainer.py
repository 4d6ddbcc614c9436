"""The training loop's state and its one step; what surrounds it is in :mod:`.run`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cns_core.simulation.batch import Batch
from cns_core.simulation.clustering import batched_kmeans, every_keypoint
from cns_core.simulation.draw import Draw
from cns_core.simulation.motion import errors
from cns_core.simulation.observation import visible
from cns_core.simulation.simulator import Simulator
from cns_core.training.curriculum import Stage, stage_at
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.network.variants import make_network
from cns_core.training.rollout import Rollout, Window
from cns_core.training.settings import Settings


class Trainer:
    """Everything that advances: network, average, optimizer, environments and their memory.

    Args:
        settings: of the run.
        device: where all of it lives.
        rank, world: this process among those that average their gradients.
        state: from :meth:`state`, to go on from; None to begin.
        local: from :meth:`local_state` of this process; None to go on with fresh environments.

    Attributes:
        batch: the environments.
        hidden: (C, width) memory of their clusters.
        step, updates: environment steps of all processes, and updates, so far.
    """

    def __init__(
        self,
        settings: Settings,
        device: str = "cpu",
        rank: int = 0,
        world: int = 1,
        state: Mapping[str, Any] | None = None,
        local: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = settings
        self.world = world
        torch.manual_seed(settings.seed)
        self.network: CnsNetwork = make_network(**vars(settings.network)).to(device)
        average = get_ema_multi_avg_fn(1 - settings.optimizer.average)
        self.average = AveragedModel(self.network, multi_avg_fn=average)
        groups = _parameter_groups(self.network, settings.optimizer.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=1.0)
        self.rollout: nn.Module = Rollout(self.network, settings.optimizer.bf16)
        if world > 1:
            self.rollout = nn.parallel.DistributedDataParallel(self.rollout)
        self.draw = Draw(settings.seed * 1000 + rank, device)
        cluster = batched_kmeans if settings.network.clustering else every_keypoint
        self.simulator = Simulator(settings.simulation, self.draw, cluster)
        self.step = self.updates = 0
        if state is not None:
            self._restore(state)
        if local is None:
            self.batch, self.hidden = self._begin()
        else:
            self.batch, self.hidden = Batch.of_state(local["simulator"]), local["hidden"]
            self.draw.generator.set_state(local["generator"].cpu())

    def _begin(self) -> tuple[Batch, Tensor]:
        """Fresh environments without memory; of different ages, so that not all end together."""
        stage, count = self.stage, self.settings.environments
        batch = self.simulator.fresh(count, stage.points, stage.scene)
        batch = batch.with_environments(age=self.draw.integer(0, stage.length - 1, count))
        clusters = int(batch.environments.clusters.sum())
        return batch, torch.zeros(clusters, self.network.width, device=self.draw.device)

    @property
    def served(self) -> CnsNetwork:
        """The running average of the network, which is what a run is for."""
        return cast(CnsNetwork, self.average.module)

    @property
    def done(self) -> bool:
        """Whether the curriculum is through."""
        return self.step >= self.settings.steps

    @property
    def stage(self) -> Stage:
        """What the curriculum asks for now."""
        return stage_at(self.settings, self.step, self.updates)

    def window(self) -> dict[str, float]:
        """One update: simulate a window, back-propagate, step, renew ended environments.

        Returns:
            Figures for the log.
        """
        stage = self.stage
        for group in self.optimizer.param_groups:
            group["lr"] = stage.rate
        window: Window = self.rollout(self.simulator, self.batch, self.hidden, stage.window)
        self.batch, self.hidden = window.batch, window.hidden
        loss = window.direction_loss + self.settings.optimizer.norm_weight * window.norm_loss
        gradient = self._update(loss)
        rotation, translation = errors(self.batch)
        self.step += stage.window * self.settings.environments * self.world
        self.updates += 1
        self._renew(stage)
        return {
            "length": stage.length,
            "rate": stage.rate,
            "loss": loss.item(),
            "direction_loss": window.direction_loss.item(),
            "norm_loss": window.norm_loss.item(),
            "gradient": gradient,
            "rotation_error_deg": math.degrees(rotation.mean().item()),
            "translation_error_mm": 1e3 * translation.mean().item(),
        }

    def _update(self, loss: Tensor) -> float:
        """Step down the gradient unless it is broken; its norm before it was clipped."""
        self.optimizer.zero_grad()
        loss.backward()
        gradient = nn.utils.clip_grad_norm_(
            self.network.parameters(), self.settings.optimizer.clip
        ).item()
        if math.isfinite(gradient):
            self.optimizer.step()
            self.average.update_parameters(self.network)
        return gradient

    @torch.no_grad()
    def _renew(self, stage: Stage) -> None:
        """Replace environments that reached their end, rested at the goal or lost their target.

        Most of a long episode would be spent at the goal, where nothing but noise is left to learn.
        """
        env = self.batch.environments
        rested = env.rested >= self.settings.rollout.rest_steps
        lost = visible(self.batch) < self.settings.correspondence.fewest
        ended = (env.age >= stage.length) | rested | lost
        if not ended.any():
            return
        self.batch, kept = self.simulator.renew(self.batch, ended, stage.points, stage.scene)
        self.hidden = self.hidden[kept.clamp_min(0)] * (kept >= 0)[:, None]

    def state(self) -> dict[str, Any]:
        """Everything needed to go on as if never interrupted, but :meth:`local_state`."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "updates": self.updates,
        }

    def local_state(self) -> dict[str, Any]:
        """This process's own share: environments, memory and random generator."""
        return {
            "simulator": self.batch.state(),
            "hidden": self.hidden,
            "generator": self.draw.generator.get_state(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        if "optimizer" in state:
            self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.updates = state["step"], state["updates"]


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and norms do not."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
