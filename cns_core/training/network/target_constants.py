"""What one desired image fixes in the network for a whole episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from cns_core.simulation.packing import PackedGraphs


class KeypointAggregation(Protocol):
    """Takes keypoints to features of their clusters, for one desired image."""

    def aggregate(
        self, current: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (C, width) of the clusters in the current and in the desired image.

        Args:
            current: (P, 2) where the keypoints are.
            rows: (M,) increasing indices of those matched.
        """
        ...


@dataclass(frozen=True)
class TargetConstants:
    """All that the desired images of B packed graphs fix.

    Args:
        graphs: the packed graphs.
        cluster_count: (B, 1) clusters of each graph.
        keypoints: how keypoints become features of clusters.
        edges: of every :class:`.EdgeMax`, what its ``constants`` gives.
    """

    graphs: PackedGraphs
    cluster_count: torch.Tensor
    keypoints: KeypointAggregation
    edges: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]]
