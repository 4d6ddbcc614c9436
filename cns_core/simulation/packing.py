"""Many keypoint graphs in one set of tensors, segment after segment, without padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cns_core.policy.keypoint_graph import KeypointGraph


@dataclass(frozen=True)
class Segments:
    """Which of ``count`` segments each of R rows belongs to.

    Args:
        owner: (R,) long, not decreasing.
        count: number of segments S; some may be empty.
    """

    owner: torch.Tensor
    count: int

    def sum(self, rows: torch.Tensor) -> torch.Tensor:
        """(S, D) sums of (R, D) rows; zero for an empty segment."""
        if self.count == 1:
            return rows.sum(dim=0, keepdim=True)
        return rows.new_zeros(self.count, *rows.shape[1:]).index_add_(0, self.owner, rows)

    def max(self, rows: torch.Tensor) -> torch.Tensor:
        """(S, D) maxima of (R, D) rows; zero for an empty segment."""
        if self.count == 1 and len(rows):
            return rows.amax(dim=0, keepdim=True)
        owner = self.owner[:, None].expand_as(rows)
        blank = rows.new_zeros(self.count, rows.shape[1])
        return blank.scatter_reduce(0, owner, rows, "amax", include_self=False)

    def sizes(self) -> torch.Tensor:
        """(S,) long, rows in each segment."""
        return torch.bincount(self.owner, minlength=self.count)

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """(R, D): each row's segment's entry of (S, D) ``values``."""
        if self.count == 1:
            return values.expand(len(self.owner), -1)
        return values.index_select(0, self.owner)

    def select(self, rows: torch.Tensor) -> Segments:
        """The segments restricted to some rows, given as (M,) increasing indices."""
        return Segments(self.owner[rows], self.count)


@dataclass(frozen=True)
class PackedGraphs:
    """B keypoint graphs: P keypoints sorted by their C clusters, those sorted by their graph.

    Args:
        desired: (P, 2) float, desired keypoints in the normalized plane.
        center_index: (C,) long, the keypoint at each cluster's centre.
        points: keypoints to clusters.
        clusters: clusters to graphs.
    """

    desired: torch.Tensor
    center_index: torch.Tensor
    points: Segments
    clusters: Segments

    @classmethod
    def of(cls, graph: KeypointGraph) -> tuple[PackedGraphs, NDArray[np.int64]]:
        """Pack one KeypointGraph; also return the (N,) order its points were put in."""
        order = torch.as_tensor(graph.cluster_of_point).argsort(stable=True)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        packed = cls(
            desired=torch.as_tensor(graph.desired, dtype=torch.float32)[order],
            center_index=place[torch.as_tensor(graph.center_index)],
            points=Segments(torch.as_tensor(graph.cluster_of_point)[order], graph.cluster_count),
            clusters=Segments(torch.zeros(graph.cluster_count, dtype=torch.long), 1),
        )
        return packed, order.numpy()
