"""Speed of training: the batched loop beside a per-environment one on PyG's layers.

Run ``python -m cns_core.training.speed``. Both train on the same scenes: simulate, forward,
backward, update. The per-environment loop does what the paper's method asks for in plain terms: one
environment after another in Python, each frame a PyG graph, a PyG batch of them for the network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from statistics import median
from typing import Protocol

import torch
from torch import Tensor
from torch_geometric.data import Batch as GraphBatch

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.simulation.batch import Batch
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training.losses import servo_losses
from cns_core.training.network.cns_network import CnsNetwork, twist
from cns_core.training.reference.network import FrameGraph, ReferenceNetwork
from cns_core.training.rollout import Rollout
from cns_core.training.settings import OptimizerSettings, load_settings

WINDOW = 8
NORM_WEIGHT = OptimizerSettings.norm_weight


class Loop(Protocol):
    """A way to train on a batch of environments."""

    def update(self) -> None:
        """Simulate a window, back-propagate and step."""


class Batched:
    """One update of the batched loop."""

    def __init__(self, simulator: Simulator, batch: Batch) -> None:
        self.simulator = simulator
        self.batch = batch
        self.network = CnsNetwork()
        self.rollout = Rollout(self.network)
        self.optimizer = torch.optim.AdamW(self.rollout.parameters())

    def update(self) -> None:
        clusters = int(self.batch.environments.clusters.sum())
        hidden = torch.zeros(clusters, self.network.width)
        window = self.rollout(self.simulator, self.batch, hidden, WINDOW)
        self.batch = window.batch
        self.optimizer.zero_grad()
        (window.direction_loss + NORM_WEIGHT * window.norm_loss).backward()
        self.optimizer.step()


class PerEnvironment:
    """One update of the per-environment loop."""

    def __init__(self, simulator: Simulator, batch: Batch) -> None:
        self.simulator = simulator
        self.batches = [alone(batch, i) for i in range(len(batch))]
        self.graphs = [keypoint_graph(one) for one in self.batches]
        self.network = ReferenceNetwork()
        self.optimizer = torch.optim.AdamW(self.network.parameters())

    def update(self) -> None:
        hidden, loss = None, torch.zeros(())
        for _ in range(WINDOW):
            frames, supervision = self._observe()
            direction, norm, hidden = self.network(GraphBatch.from_data_list(frames), hidden)
            direction_loss, norm_loss = servo_losses(direction, norm, supervision)
            loss = loss + (direction_loss + NORM_WEIGHT * norm_loss).mean()
            self._advance(twist(direction, norm).detach(), supervision)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _observe(self) -> tuple[list[FrameGraph], Tensor]:
        """A frame of each environment, and the (B, 6) supervision."""
        frames, supervisions = [], []
        for i, graph in enumerate(self.graphs):
            self.batches[i], seen = self.simulator.observe(self.batches[i])
            frames.append(FrameGraph.of(graph, seen.current.numpy(), seen.matched.numpy()))
            supervisions.append(self.simulator.supervision(self.batches[i]))
        return frames, torch.cat(supervisions)

    def _advance(self, command: Tensor, supervision: Tensor) -> None:
        for i, (v, s) in enumerate(zip(command.split(1), supervision.split(1), strict=True)):
            self.batches[i] = self.simulator.advance(self.batches[i], v, s)


def alone(batch: Batch, i: int) -> Batch:
    """The i-th environment as a batch of its own."""
    key = batch.keypoints.rows(batch.keypoints.env == i)
    one = Batch(batch.environments.rows(torch.tensor([i])), key)
    return one.with_keypoints(env=torch.zeros_like(key.env))


def keypoint_graph(batch: Batch) -> KeypointGraph:
    """The graph of a batch of one environment."""
    key = batch.keypoints
    return KeypointGraph(
        key.desired.numpy(), key.cluster.numpy(), key.is_center.nonzero()[:, 0].numpy()
    )


def steps_per_second(loop: Loop, environments: int, updates: int) -> float:
    """Environment steps per second, median over updates after one to warm up."""
    loop.update()
    seconds = []
    for _ in range(updates):
        begin = time.perf_counter()
        loop.update()
        seconds.append(time.perf_counter() - begin)
    return environments * WINDOW / median(seconds)


def main(argv: Sequence[str] | None = None) -> None:
    """Print both speeds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/train.yaml")
    parser.add_argument("--environments", type=int, default=64)
    parser.add_argument("--points", type=int, nargs=2, default=(8, 256))
    parser.add_argument("--updates", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    settings = load_settings(args.config)
    speeds = []
    for kind in (PerEnvironment, Batched):
        simulator = Simulator(settings.simulation, Draw(0))
        batch = simulator.fresh(args.environments, tuple(args.points))
        loop = kind(simulator, batch)
        speeds.append(steps_per_second(loop, args.environments, args.updates))
        print(f"{kind.__name__:15} {speeds[-1]:7.0f} environment steps per second", flush=True)
    print(f"ratio {speeds[1] / speeds[0]:.1f}")


if __name__ == "__main__":
    main()
