"""Speed of training: the batched loop beside a per-environment one on PyG's layers.

Run ``python -m cns_core.training.speed``. Both train on the same scenes: simulate, forward,
backward, update. The per-environment loop does what the paper's method asks for in plain terms: one
environment after another in Python, each frame a PyG graph, a PyG batch of them for the network.
"""

import argparse
import time
from dataclasses import replace
from statistics import median

import torch
from torch_geometric.data import Batch

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.network import CnsNetwork, twist
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.training.losses import servo_losses
from cns_core.training.reference.cns import Cns, FrameGraph
from cns_core.training.rollout import Rollout
from cns_core.training.settings import load_settings

WINDOW = 8


class Batched:
    """One update of the batched loop."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.rollout = Rollout(CnsNetwork())
        self.optimizer = torch.optim.AdamW(self.rollout.parameters())

    def update(self):
        direction, norm, _ = self.rollout(self.simulator, None, WINDOW)
        self.optimizer.zero_grad()
        (direction + 0.3 * norm).backward()
        self.optimizer.step()


class PerEnvironment:
    """One update of the per-environment loop."""

    def __init__(self, simulator):
        self.simulators = [alone(simulator, i) for i in range(len(simulator.env.age))]
        self.graphs = [keypoint_graph(s) for s in self.simulators]
        self.network = Cns()
        self.optimizer = torch.optim.AdamW(self.network.parameters())

    def update(self):
        hidden, loss = None, 0
        for _ in range(WINDOW):
            frames, supervisions = [], []
            for simulator, graph in zip(self.simulators, self.graphs, strict=True):
                current, matched = simulator.observe()
                frames.append(FrameGraph.of(graph, current.numpy(), matched.numpy()))
                supervisions.append(simulator.supervision())
            supervision = torch.cat(supervisions)
            direction, norm, hidden = self.network(Batch.from_data_list(frames), hidden)
            direction_loss, norm_loss = servo_losses(direction, norm, supervision)
            loss = loss + (direction_loss + 0.3 * norm_loss).mean()
            command = twist(direction, norm).detach().split(1)
            for simulator, v, s in zip(self.simulators, command, supervisions, strict=True):
                simulator.advance(v, s)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def alone(simulator, i):
    """A simulator of the i-th environment only."""
    one = Simulator(simulator.settings, simulator.draw)
    one.env = replace(
        simulator.env, **{name: value[i : i + 1] for name, value in vars(simulator.env).items()}
    )
    mine = simulator.key.env == i
    one.key = replace(
        simulator.key, **{name: value[mine] for name, value in vars(simulator.key).items()}
    )
    one.key.env = torch.zeros_like(one.key.env)
    return one


def keypoint_graph(simulator):
    """The graph of a simulator of one environment."""
    key = simulator.key
    return KeypointGraph(
        key.desired.numpy(), key.cluster.numpy(), key.is_center.nonzero()[:, 0].numpy()
    )


def steps_per_second(loop, environments, updates):
    """Environment steps per second, median over updates after one to warm up."""
    loop.update()
    seconds = []
    for _ in range(updates):
        begin = time.perf_counter()
        loop.update()
        seconds.append(time.perf_counter() - begin)
    return environments * WINDOW / median(seconds)


def main(argv=None):
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
    speeds = {}
    for kind in (PerEnvironment, Batched):
        simulator = Simulator(settings, Draw(0))
        simulator.reset(args.environments, tuple(args.points))
        speeds[kind] = steps_per_second(kind(simulator), args.environments, args.updates)
        print(f"{kind.__name__:15} {speeds[kind]:7.0f} environment steps per second", flush=True)
    print(f"ratio {speeds[Batched] / speeds[PerEnvironment]:.1f}")


if __name__ == "__main__":
    main()
