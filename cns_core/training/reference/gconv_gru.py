"""Memory of the clusters: a GRU whose layers are graph convolutions (paper, III-B and Eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cns_core.training.reference.perconv import ReferenceEdgeMax


class ReferenceGConvGRU(nn.Module):
    """Gates from the edges among all clusters, candidate from those among the matched ones.

    A cluster out of sight still weighs its memory against its neighbours', but offers nothing new.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gates = ReferenceEdgeMax(2 * width, 2 * width)
        self.candidate = ReferenceEdgeMax(2 * width, width)

    def forward(
        self,
        x: Tensor,
        hidden: Tensor,
        position: Tensor,
        edges_all: Tensor,
        edges_matched: Tensor,
    ) -> Tensor:
        gates = self.gates(torch.cat([x, hidden], dim=-1), position, edges_all)
        reset, update = gates.sigmoid().chunk(2, dim=-1)
        candidate = self.candidate(
            torch.cat([x, hidden * reset], dim=-1), position, edges_matched
        ).tanh()
        return (1 - update) * hidden + update * candidate
