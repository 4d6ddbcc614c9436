"""Speed of serving: the forward pass on NumPy beside the one on PyTorch, frame by frame in turns.

Run ``OMP_NUM_THREADS=1 python -m cns_core.training.serving_speed``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.policy import Policy
from cns_core.policy.weights import default_weights, load_policy
from cns_core.simulation.packing import PackedGraphs
from cns_core.training.network.cns_network import CnsNetwork, twist
from cns_core.training.weights import load_network


class TorchRun:
    """As :class:`cns_core.policy.policy.PolicyRun`, on PyTorch.

    Attributes:
        memory: (C, width) hidden state of the clusters; None before the first frame.
    """

    @torch.inference_mode()
    def __init__(self, network: CnsNetwork, graph: KeypointGraph) -> None:
        packed, self._order = PackedGraphs.of(graph)
        self.memory: torch.Tensor | None = None
        self._network, self._target = network, network.target(packed)

    @torch.inference_mode()
    def step(
        self, current: NDArray[np.float64], matched: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Direction (6,), norm (1,) and twist (6,) for (N, 2) keypoints, (N,) of them matched."""
        points = torch.from_numpy(current.astype(np.float32)[self._order])
        mask = torch.from_numpy(matched[self._order])
        direction, norm, self.memory = self._network(self._target, points, mask, self.memory)
        return direction[0].numpy(), norm[0].numpy(), twist(direction, norm)[0].numpy()


def compare(
    policy: Policy, network: CnsNetwork, count: int, frames: int
) -> tuple[list[float], list[float]]:
    """Seconds of a processor that NumPy and PyTorch take for each frame with ``count`` keypoints.

    Both compute in this thread alone, so that waiting for other programs does not count.
    """
    rng = np.random.default_rng(count)
    desired = rng.uniform(-0.5, 0.5, (count, 2))
    run = policy.start(desired)
    other = TorchRun(network, run.graph)
    numpy_s, torch_s = [], []
    for _ in range(frames):
        current, matched = desired + rng.normal(0, 0.05, (count, 2)), rng.random(count) < 0.8
        began = time.thread_time()
        run.step(current, matched)
        between = time.thread_time()
        other.step(current, matched)
        torch_s.append(time.thread_time() - between)
        numpy_s.append(between - began)
    return numpy_s, torch_s


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table of medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keypoints", type=int, nargs="+", default=[50, 150, 300, 500])
    parser.add_argument("--frames", type=int, default=600)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    policy, network = load_policy(), load_network(default_weights())
    print("| keypoints | NumPy ms | PyTorch ms | ratio |\n|---|---|---|---|")
    for count in args.keypoints:
        ours, theirs = (
            1e3 * np.median(times) for times in compare(policy, network, count, args.frames)
        )
        print(f"| {count} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
