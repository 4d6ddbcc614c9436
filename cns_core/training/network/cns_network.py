"""The CNS policy on packed graphs: what :mod:`cns_core.training.reference.network` spells out.

Two exact identities make it fast, see :mod:`.graph_layers` and :mod:`.point_transformer`. This
trains; what serves is :class:`cns_core.policy.network.NumpyNetwork`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from cns_core.simulation.packing import PackedGraphs, Segments
from cns_core.training.network.graph_layers import EdgeMax, GConvGRU, PERConv
from cns_core.training.network.mlp import mlp
from cns_core.training.network.point_transformer import PTConv
from cns_core.training.network.pointwise_conv import PointwiseConv
from cns_core.training.network.target_constants import TargetConstants


class CnsNetwork(nn.Module):
    """Maps a frame and the clusters' memory to direction and norm of the decoupled twist."""

    clustering = True

    def __init__(self, width: int = 128, memory: Callable[[int], nn.Module] = GConvGRU) -> None:
        super().__init__()
        self.width = width
        self.input = nn.Linear(2, width)
        self.ptconv: PTConv | PointwiseConv = PTConv(width)
        self.fuse = nn.Linear(2 * width, width)
        self.perconv0 = PERConv(width)
        self.memory = memory(width)
        self.perconv1 = PERConv(width)
        self.pool = nn.ModuleDict({"gate_nn": nn.Linear(width, 1)})
        self.direction = mlp(width, width, 6)
        self.norm = mlp(width, width, 1)

    def target(self, graphs: PackedGraphs) -> TargetConstants:
        """Compute what stays constant while the parameters and the desired keypoints do."""
        center = graphs.desired[graphs.center_index]
        return TargetConstants(
            graphs=graphs,
            cluster_count=graphs.clusters.sizes()[:, None].to(center.dtype),
            keypoints=self.ptconv.constants(self.input, graphs, center),
            edges={m: m.constants(center) for m in self.modules() if isinstance(m, EdgeMax)},
        )

    def forward(
        self,
        target: TargetConstants,
        current: torch.Tensor,
        matched: torch.Tensor,
        hidden: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Advance one frame.

        Args:
            target: from :meth:`target`.
            current: (P, 2) where the keypoints are; anything finite where not matched.
            matched: (P,) bool.
            hidden: (C, width) memory of the last frame; None (zero) at the first.

        Returns:
            direction (B, 6), raw norm (B, 1) and the new memory (C, width).
        """
        rows = matched.nonzero()[:, 0]
        clusters = target.graphs.clusters
        x_current, x_desired = target.keypoints.aggregate(current, rows)
        mask = target.graphs.points.select(rows).sizes() > 0
        seen = mask[:, None].to(current.dtype), mask.nonzero()[:, 0]

        x = self.fuse(torch.cat([x_current, x_desired - x_current], dim=1)).relu() * seen[0]
        x = self.perconv0(x, target, seen).relu()
        if hidden is None:
            hidden = torch.zeros_like(x)
        hidden = self.memory(x, hidden, target, seen)
        x = self.perconv1(hidden, target, seen).relu()

        pooled = self._pool(x.index_select(0, seen[1]), clusters.select(seen[1]))
        return self.direction(pooled), self.norm(pooled), hidden

    def _pool(self, x: torch.Tensor, clusters: Segments) -> torch.Tensor:
        """Attentional aggregation of the matched clusters of each graph."""
        logit = self.pool["gate_nn"](x)
        mass = (logit - clusters.spread(clusters.max(logit.detach()))).exp()
        return clusters.sum(mass * x) / clusters.sum(mass).clamp_min(1e-30)


def twist(direction: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
    """Distance-decoupled twist [v/d, w] (B, 6): Eq. 3 with the six numbers normalized together.

    The norm is ``1 + ELU(norm)``: exponential towards zero, linear above one.
    """
    size = 1 + nn.functional.elu(norm)
    return nn.functional.normalize(direction, dim=-1) * size
