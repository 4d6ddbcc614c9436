"""Layers on clusters that are all joined to each other, computed without edges.

EdgeMax has one linear layer ``[W1 W2 W3]``, so

    max_j (W1 x_i + W2 (x_j - x_i) + W3 (p_j - p_i)) + b
        = (W1 - W2) x_i - W3 p_i + b + max_j (W2 x_j + W3 p_j),

and on densely connected clusters the maximum is the same for every i: one pass over clusters, not
pairs. All layers take (C, in) features, the :class:`.TargetConstants` and :data:`Seen`.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear

from cns_core.training.network.target_constants import TargetConstants

Seen = tuple[torch.Tensor, torch.Tensor]
"""(C, 1) float mask and (M,) indices of the clusters of which a keypoint is matched."""


class EdgeMax(nn.Module):
    """``max_j W [x_i, x_j - x_i, p_j - p_i] + b`` over all pairs of some clusters of a graph."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * width_in + 2, width_out)

    def constants(self, center: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight (2 out, in) and offset (C, 2 out) that take x to what a cluster gives to others
        and keeps for itself."""
        width = (self.linear.in_features - 2) // 2
        of_self, of_other, of_position = self.linear.weight.split([width, width, 2], dim=1)
        place = linear(center, of_position)
        weight = torch.cat([of_other, of_self - of_other])
        return weight, torch.cat([place, self.linear.bias - place], dim=1)

    def forward(
        self, x: torch.Tensor, target: TargetConstants, seen: Seen | None = None
    ) -> torch.Tensor:
        """(C, out) for (C, in) features; over all clusters, or those ``seen``, zero for the others.

        Args:
            seen: the clusters that take part; None for all.
        """
        clusters = target.graphs.clusters
        weight, offset = target.edges[self]
        other, own = torch.addmm(offset, x, weight.t()).chunk(2, dim=1)
        if seen is None:
            return own + clusters.spread(clusters.max(other))
        mask, rows = seen
        best = clusters.select(rows).max(other.index_select(0, rows))
        return (own + clusters.spread(best)) * mask


class GraphNorm(nn.Module):
    """Normalization over a graph, less a learned share of its mean (Cai et al. 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.mean_scale = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor, target: TargetConstants) -> torch.Tensor:
        clusters = target.graphs.clusters
        mean = clusters.sum(x) / target.cluster_count
        x = x - clusters.spread(mean * self.mean_scale)
        variance = clusters.sum(x * x) / target.cluster_count
        return x * clusters.spread(self.weight * (variance + 1e-5).rsqrt()) + self.bias


class PERConv(nn.Module):
    """EdgeMax, GraphNorm, ReLU and a linear layer, with a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = EdgeMax(width, width)
        self.norm = GraphNorm(width)
        self.linear = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, target: TargetConstants, seen: Seen) -> torch.Tensor:
        return self.linear(self.norm(self.conv(x, target, seen), target).relu()) + x


class GConvGRU(nn.Module):
    """GRU of graph convolutions: gates over all clusters, candidate over those seen (Eq. 7)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = EdgeMax(2 * width, 2 * width)
        self.candidate = EdgeMax(2 * width, width)

    def forward(
        self, x: torch.Tensor, hidden: torch.Tensor, target: TargetConstants, seen: Seen
    ) -> torch.Tensor:
        gates = self.gates(torch.cat([x, hidden], dim=1), target)
        reset, update = gates.sigmoid().chunk(2, dim=1)
        both = torch.cat([x, hidden * reset], dim=1)
        candidate = self.candidate(both, target, seen).tanh()
        return (1 - update) * hidden + update * candidate
