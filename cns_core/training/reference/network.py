"""The CNS policy as the paper draws it (Fig. 3), on PyTorch Geometric's layers.

This is the reference: it builds every edge. What trains,
:class:`cns_core.training.network.cns_network.CnsNetwork`, and what serves,
:class:`cns_core.policy.network.NumpyNetwork`, compute the same function of the same parameters
without them; each layer there has its namesake here, ``Reference`` before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import AttentionalAggregation

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.training.network.mlp import mlp
from cns_core.training.reference.gconv_gru import ReferenceGConvGRU
from cns_core.training.reference.perconv import ReferencePERConv
from cns_core.training.reference.ptconv import ReferencePTConv


class FrameGraph(Data):
    """One frame as a PyG graph: keypoints, clusters and the edges between them; can be batched."""

    def __inc__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        points, clusters = len(self.desired), len(self.center_index)
        return {
            "center_index": points,
            "edges0": torch.tensor([[points], [clusters]]),
            "edges1": clusters,
            "edges1_all": clusters,
            "graph_of_cluster": 1,
        }.get(key, 0)

    def __cat_dim__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> int:
        return 1 if key.startswith("edges") else 0

    @classmethod
    def of(
        cls, graph: KeypointGraph, current: NDArray[Any], matched: NDArray[np.bool_]
    ) -> FrameGraph:
        """Build from a KeypointGraph, (N, 2) current positions and the (N,) bool matches."""
        clusters = graph.cluster_count
        seen = np.flatnonzero(graph.cluster_matched(matched))
        # The released network lets a cluster see itself; E1 as printed leaves those edges out.
        edges1 = np.concatenate([graph.edges1(matched), np.stack([seen, seen])], axis=1)
        return cls(
            desired=torch.as_tensor(graph.desired, dtype=torch.float32),
            current=torch.as_tensor(np.where(matched[:, None], current, 0), dtype=torch.float32),
            center_index=torch.as_tensor(graph.center_index),
            edges0=torch.as_tensor(graph.edges0(matched)),
            edges1=torch.as_tensor(edges1),
            edges1_all=torch.cartesian_prod(torch.arange(clusters), torch.arange(clusters)).T,
            cluster_matched=torch.as_tensor(graph.cluster_matched(matched)),
            graph_of_cluster=torch.zeros(clusters, dtype=torch.long),
        )


class ReferenceNetwork(nn.Module):
    """Maps a frame and the clusters' memory to direction and norm of the decoupled twist."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.width = width
        self.input = nn.Linear(2, width)
        self.ptconv = ReferencePTConv(width)
        self.fuse = nn.Linear(2 * width, width)
        self.perconv0 = ReferencePERConv(width)
        self.memory = ReferenceGConvGRU(width)
        self.perconv1 = ReferencePERConv(width)
        self.pool = AttentionalAggregation(gate_nn=nn.Linear(width, 1))
        self.direction = mlp(width, width, 6)
        self.norm = mlp(width, width, 1)

    def encode(
        self, frame: Data, current: Tensor, center_feature: Tensor, center_position: Tensor
    ) -> Tensor:
        """Aggregate keypoints at ``current`` into their clusters' (desired) centres over E0."""
        feature = self.input(current).relu()
        position = torch.cat([current, frame.desired], dim=-1)
        return self.ptconv(
            (feature, center_feature), (position, center_position), frame.edges0
        ).relu()

    def forward(self, frame: Data, hidden: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Advance one frame.

        Args:
            frame: a :class:`FrameGraph` or a PyG batch of B of them, C clusters together.
            hidden: (C, width) memory of the last frame; None (zero) at the first.

        Returns:
            direction (B, 6), raw norm (B, 1) and the new memory (C, width).
        """
        center = frame.desired[frame.center_index]
        batch = frame.graph_of_cluster
        seen = frame.cluster_matched
        center_feature = self.input(center).relu()
        center_position = torch.cat([center, center], dim=-1)
        x_desired = self.encode(frame, frame.desired, center_feature, center_position)
        x_current = self.encode(frame, frame.current, center_feature, center_position)

        x = self.fuse(torch.cat([x_current, x_desired - x_current], dim=-1)).relu()
        x = x * seen[:, None]
        x = self.perconv0(x, center, frame.edges1, batch).relu()
        if hidden is None:
            hidden = torch.zeros_like(x)
        hidden = self.memory(x, hidden, center, frame.edges1_all, frame.edges1)
        x = self.perconv1(hidden, center, frame.edges1, batch).relu()

        graphs = int(batch.max()) + 1
        pooled = self.pool(x[seen], batch[seen], dim_size=graphs)
        return self.direction(pooled), self.norm(pooled), hidden
