"""Joining packed graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cns_core.policy.packing import PackedGraphs, Segments


def concatenate(packs: Sequence[PackedGraphs]) -> PackedGraphs:
    """One :class:`PackedGraphs` of several, in their order."""
    point_offset = cluster_offset = graph_offset = 0
    centers, points, clusters = [], [], []
    for pack in packs:
        centers.append(pack.center_index + point_offset)
        points.append(pack.points.owner + cluster_offset)
        clusters.append(pack.clusters.owner + graph_offset)
        point_offset += len(pack.desired)
        cluster_offset += pack.points.count
        graph_offset += pack.clusters.count
    return PackedGraphs(
        desired=torch.cat([pack.desired for pack in packs]),
        center_index=torch.cat(centers),
        points=Segments(torch.cat(points), cluster_offset),
        clusters=Segments(torch.cat(clusters), graph_offset),
    )
