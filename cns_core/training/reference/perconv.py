"""Information passing among clusters: point-edge-residual convolution over E1 (paper, III-B)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import GraphNorm, MessagePassing


class ReferenceEdgeMax(MessagePassing):
    """``max_j W [x_i, x_j - x_i, p_j - p_i] + b`` over edges j -> i; zero for a node without."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(aggr="max")
        self.linear = nn.Linear(2 * width_in + 2, width_out)

    def forward(self, x: Tensor, position: Tensor, edges: Tensor) -> Tensor:
        return self.propagate(edges, x=x, position=position)

    def message(self, x_i: Tensor, x_j: Tensor, position_i: Tensor, position_j: Tensor) -> Tensor:
        return self.linear(torch.cat([x_i, x_j - x_i, position_j - position_i], dim=-1))


class ReferencePERConv(nn.Module):
    """EdgeMax, GraphNorm over all clusters of a graph, ReLU and a linear layer, with a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = ReferenceEdgeMax(width, width)
        self.norm = GraphNorm(width)
        self.linear = nn.Linear(width, width)

    def forward(
        self, x: Tensor, position: Tensor, edges: Tensor, graph_of_cluster: Tensor
    ) -> Tensor:
        message = self.norm(self.conv(x, position, edges), graph_of_cluster)
        return self.linear(message.relu()) + x
