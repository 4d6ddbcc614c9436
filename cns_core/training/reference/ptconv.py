"""Intra-cluster aggregation over E0 (paper, III-B; point transformer, Zhao et al. 2021)."""

from __future__ import annotations

from torch_geometric.nn import PointTransformerConv

from cns_core.training.network.mlp import mlp


class ReferencePTConv(PointTransformerConv):
    """Attention of a cluster's centre over the keypoints it holds, one softmax a channel.

    A keypoint's position is [current, desired], a centre's [desired, desired]: four numbers, so
    that the position code sees where a keypoint is and where it belongs. No self-loops: keypoints
    and centres are different nodes.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            width,
            width,
            pos_nn=mlp(4, width, width),
            attn_nn=mlp(width, width, width),
            add_self_loops=False,
        )
