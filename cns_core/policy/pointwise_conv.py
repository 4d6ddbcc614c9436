"""What stands in PTConv's place where every keypoint is a cluster (paper, Table II, "-Cluster")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.linear import Array, NumpyLinear, NumpyPerceptron, relu
from cns_core.policy.parameters import Parameters
from cns_core.policy.segments import Segments


class NumpyPointwiseConv:
    """A perceptron on each keypoint alone."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._perceptron = NumpyPerceptron(parameters, width, width, width)

    def target(self, embed: NumpyLinear, graph: KeypointGraph) -> NumpyPointwiseTarget:
        """As :meth:`.NumpyPTConv.target`."""
        return NumpyPointwiseTarget(self._perceptron, embed, graph)


@dataclass(frozen=True)
class NumpyPointwiseTarget:
    """The perceptron, the layer before it, and the graph that it runs on."""

    perceptron: NumpyPerceptron
    embed: NumpyLinear
    graph: KeypointGraph

    def aggregate(self, current: Array, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """As :meth:`.NumpyKeypoints.aggregate`."""
        segments = Segments(self.graph.cluster_of_point[rows])
        x_current, x_desired = (
            segments.sum(relu(self.perceptron(relu(self.embed(points[rows])))))
            for points in (current, self.graph.desired.astype(np.float32))
        )
        return x_current, x_desired
