"""Joining packed graphs, and networks that are trained as they serve."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cns_core.policy.network import NumpyNetwork
from cns_core.policy.policy import Policy
from cns_core.simulation.packing import PackedGraphs, Segments
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.network.variants import structure


def policy_of(network: CnsNetwork) -> Policy:
    """The policy that serves a network's parameters as they are now."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    return Policy(NumpyNetwork(structure(network), state))


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
