"""The point-transformer convolution from keypoints to their cluster's centre (paper, III-B).

What it makes of the desired keypoints is constant while an episode lasts; only the softmax over
the matched ones changes. The constants are gathered once, in :class:`NumpyPTConvTarget`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.linear import Array, NumpyLinear, NumpyPerceptron, relu
from cns_core.policy.parameters import Parameters
from cns_core.policy.segments import Segments

LOGIT_FLOOR = np.float32(-80.0)
"""Desired attention logits this far below their cluster's largest would underflow in float32."""


class NumpyPTConv:
    """Attention of a cluster's centre over the keypoints it holds, one softmax a channel.

    A keypoint's position is [current, desired], a centre's [desired, desired].
    """

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._pos_nn = NumpyPerceptron(parameters.under("pos_nn"), 4, width, width)
        self._attn_nn = NumpyPerceptron(parameters.under("attn_nn"), width, width, width)
        self._lin, self._lin_src, self._lin_dst = (
            NumpyLinear(parameters.under(name), width, width, bias=False)
            for name in ("lin", "lin_src", "lin_dst")
        )

    def score(self, feature: Array, offset: Array, query: Array) -> tuple[Array, Array]:
        """Attention logits and values (M, width) of keypoints.

        Args:
            feature: (M, width) of the keypoints.
            offset: (M, 4) from their positions to those of their centres.
            query: (M, width) of their centres.
        """
        code = self._pos_nn(offset)
        return self._attn_nn(query - self._lin_src(feature) + code), self._lin(feature) + code

    def target(self, embed: NumpyLinear, graph: KeypointGraph) -> NumpyPTConvTarget:
        """What the desired keypoints fix; ``embed`` takes (N, 2) positions to features."""
        desired, owner = graph.desired.astype(np.float32), graph.cluster_of_point
        center = desired[graph.center_index]
        query = self._lin_dst(relu(embed(center)))[owner]
        to_center = center[owner] - desired
        offset = np.concatenate([to_center, to_center], axis=1)
        logit, value = self.score(relu(embed(desired)), offset, query)
        order = owner.argsort(kind="stable")
        top = Segments(owner[order]).max(logit[order])
        mass = np.exp(np.maximum(logit - top[owner], LOGIT_FLOOR))
        return NumpyPTConvTarget(self, embed, graph, desired, query, mass, mass * value)


@dataclass(frozen=True)
class NumpyPTConvTarget:
    """What the desired keypoints and the parameters fix in PTConv.

    Args:
        conv: the layer.
        embed: takes (M, 2) positions to features.
        graph: of the desired keypoints.
        desired: (N, 2) those keypoints.
        query: (N, width) of each keypoint's centre.
        mass: (N, width) numerators of the desired keypoints' softmax.
        weighted: (N, width) those times the values.
    """

    conv: NumpyPTConv
    embed: NumpyLinear
    graph: KeypointGraph
    desired: Array
    query: Array
    mass: Array
    weighted: Array

    def aggregate(self, current: Array, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """As :meth:`.NumpyKeypoints.aggregate`."""
        owner = self.graph.cluster_of_point[rows]
        segments, current = Segments(owner), current[rows]
        center = self.desired[self.graph.center_index[owner]]
        offset = np.concatenate([center - current, center - self.desired[rows]], axis=1)
        logit, value = self.conv.score(relu(self.embed(current)), offset, self.query[rows])
        mass = np.exp(logit - segments.spread(segments.max(logit)))
        x_current = segments.sum(mass * value) / segments.sum(mass)
        x_desired = segments.sum(self.weighted[rows]) / segments.sum(self.mass[rows])
        return relu(x_current), relu(x_desired)
