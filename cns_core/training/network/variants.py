"""The network and its ablations (paper, Table II), by configuration."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from cns_core.policy.network import Structure
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.network.graph_layers import EdgeMax, GConvGRU, Seen
from cns_core.training.network.mlp import mlp
from cns_core.training.network.pointwise_conv import PointwiseConv
from cns_core.training.network.target_constants import TargetConstants


class PointwiseMemory(nn.Module):
    """No memory: a multi-layer perceptron on each cluster alone ("-GConvGRU")."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = mlp(width, width, width)

    def forward(
        self, x: torch.Tensor, hidden: torch.Tensor, target: TargetConstants, seen: Seen
    ) -> torch.Tensor:
        return self.layers(x)


class GatedGraphMemory(nn.Module):
    """Graph convolution first and a GRU cell after it ("+GGNN", Li et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = EdgeMax(width, width)
        self.cell = nn.GRUCell(width, width)

    def forward(
        self, x: torch.Tensor, hidden: torch.Tensor, target: TargetConstants, seen: Seen
    ) -> torch.Tensor:
        return self.cell(self.conv(x, target, seen), hidden)


class PointwiseCnsNetwork(CnsNetwork):
    """No clustering: every keypoint a cluster, a perceptron in PTConv's place ("-Cluster")."""

    clustering = False

    def __init__(self, width: int = 128, memory: Callable[[int], nn.Module] = GConvGRU) -> None:
        super().__init__(width, memory)
        self.ptconv = PointwiseConv(width)


MEMORIES: dict[str, type[nn.Module]] = {
    "gconv_gru": GConvGRU,
    "mlp": PointwiseMemory,
    "ggnn": GatedGraphMemory,
}


def make_network(
    width: int = 128, clustering: bool = True, memory: str = "gconv_gru"
) -> CnsNetwork:
    """The paper's network, or one of its ablations.

    Args:
        width: of the hidden layers.
        clustering: aggregate keypoints into clusters; otherwise each is one.
        memory: ``'gconv_gru'``, ``'mlp'`` (none) or ``'ggnn'``.

    Raises:
        ValueError: for an unknown ``memory``.
    """
    if memory not in MEMORIES:
        raise ValueError(f"memory must be one of {', '.join(MEMORIES)}, got {memory!r}")
    kind = CnsNetwork if clustering else PointwiseCnsNetwork
    return kind(width, MEMORIES[memory])


def structure(network: CnsNetwork) -> Structure:
    """The arguments of :func:`make_network` that made ``network``."""
    memory = next(name for name, kind in MEMORIES.items() if type(network.memory) is kind)
    return {"width": network.width, "clustering": network.clustering, "memory": memory}
