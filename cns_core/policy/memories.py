"""What stands in the graph GRU's place in the ablations (paper, Table II)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from cns_core.policy.graph_layers import Clusters, NumpyEdgeMax
from cns_core.policy.linear import Array, NumpyPerceptron
from cns_core.policy.parameters import Parameters


class NumpyPointwiseMemory:
    """No memory: a multi-layer perceptron on each cluster alone ("-GConvGRU")."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._layers = NumpyPerceptron(parameters.under("layers"), width, width, width)

    def __call__(self, x: Array, hidden: Array, clusters: Clusters) -> Array:
        return self._layers(x)


class NumpyGatedGraphMemory:
    """Graph convolution first and a GRU cell after it ("+GGNN", Li et al. 2016)."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._conv = NumpyEdgeMax(parameters.under("conv"), width, width)
        self._cell = NumpyGRUCell(parameters.under("cell"), width)

    def __call__(self, x: Array, hidden: Array, clusters: Clusters) -> Array:
        seen = clusters.seen
        message = clusters.scatter(self._conv(x[seen], clusters.center[seen]))
        return self._cell(message, hidden)


class NumpyGRUCell:
    """PyTorch's ``GRUCell`` of equal widths."""

    def __init__(self, parameters: Parameters, width: int) -> None:
        self._input, self._hidden = (
            (
                parameters.take(f"weight_{of}", 3 * width, width).T,
                parameters.take(f"bias_{of}", 3 * width),
            )
            for of in ("ih", "hh")
        )

    def __call__(self, x: Array, hidden: Array) -> Array:
        """The new (C, width) state."""
        of_input, of_hidden = (
            np.split(value @ weight + bias, 3, axis=1)
            for value, (weight, bias) in ((x, self._input), (hidden, self._hidden))
        )
        reset, update = (expit(of_input[i] + of_hidden[i]) for i in (0, 1))
        candidate = np.tanh(of_input[2] + reset * of_hidden[2])
        return (1 - update) * candidate + update * hidden
