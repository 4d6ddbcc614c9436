"""Layers on the clusters of one graph, all joined to each other, computed without edges.

EdgeMax has one linear layer ``[W1 W2 W3]``, so

    max_j (W1 x_i + W2 (x_j - x_i) + W3 (p_j - p_i)) + b
        = (W1 - W2) x_i - W3 p_i + b + max_j (W2 x_j + W3 p_j),

where the maximum is the same for every i: one pass over clusters, not pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cns_core.policy.linear import Array, NumpyLinear, relu
from cns_core.policy.parameters import Parameters


class Clusters(NamedTuple):
    """The clusters of a graph in one frame.

    Attributes:
        center: (C, 2) desired positions of their centres.
        seen: (S,) increasing indices of those of which a keypoint is matched.
    """

    center: Array
    seen: NDArray[np.int64]

    def scatter(self, rows: Array) -> Array:
        """(C, D) of (S, D) rows of those seen, zero for the others."""
        everywhere = np.zeros((len(self.center), rows.shape[1]), np.float32)
        everywhere[self.seen] = rows
        return everywhere


class NumpyEdgeMax:
    """``max_j W [x_i, x_j - x_i, p_j - p_i] + b`` over all pairs of some clusters."""

    def __init__(self, parameters: Parameters, width_in: int, width_out: int) -> None:
        linear = NumpyLinear(parameters.under("linear"), 2 * width_in + 2, width_out)
        of_self, self._of_other, self._of_position = np.split(
            linear.weight, [width_in, 2 * width_in]
        )
        self._own = of_self - self._of_other
        self._bias = linear.bias

    def __call__(self, x: Array, center: Array) -> Array:
        """(K, out) for the (K, in) features of clusters at (K, 2) ``center``."""
        place = center @ self._of_position
        other = x @ self._of_other + place
        return x @ self._own - place + (self._bias + other.max(axis=0))


class NumpyGraphNorm:
    """Normalization over a graph, less a learned share of its mean (Cai et al. 2021)."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._weight = parameters.take("weight", width)
        self._bias = parameters.take("bias", width)
        self._mean_scale = parameters.take("mean_scale", width)

    def __call__(self, x: Array) -> Array:
        x = x - x.mean(axis=0) * self._mean_scale
        variance = (x * x).mean(axis=0)
        return x * (self._weight / np.sqrt(variance + np.float32(1e-5))) + self._bias


class NumpyPERConv:
    """EdgeMax, GraphNorm, ReLU and a linear layer, with a residual."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._conv = NumpyEdgeMax(parameters.under("conv"), width, width)
        self._norm = NumpyGraphNorm(parameters.under("norm"), width)
        self._linear = NumpyLinear(parameters.under("linear"), width, width)

    def __call__(self, x: Array, clusters: Clusters) -> Array:
        """(C, width) for (C, width); messages pass among the clusters seen."""
        seen = clusters.seen
        message = clusters.scatter(self._conv(x[seen], clusters.center[seen]))
        return self._linear(relu(self._norm(message))) + x


class NumpyGConvGRU:
    """GRU of graph convolutions: gates over all clusters, candidate over those seen (Eq. 7)."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._gates = NumpyEdgeMax(parameters.under("gates"), 2 * width, 2 * width)
        self._candidate = NumpyEdgeMax(parameters.under("candidate"), 2 * width, width)

    def __call__(self, x: Array, hidden: Array, clusters: Clusters) -> Array:
        """The new memory (C, width) for the features and the old memory (C, width)."""
        center, seen = clusters
        gates: Array = expit(self._gates(np.concatenate([x, hidden], axis=1), center))
        reset, update = np.split(gates, 2, axis=1)
        both = np.concatenate([x, hidden * reset], axis=1)[seen]
        candidate = clusters.scatter(np.tanh(self._candidate(both, center[seen])))
        return (1 - update) * hidden + update * candidate
