"""Linear layers, and perceptrons made of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cns_core.policy.parameters import Parameters

Array = NDArray[np.float32]


class NumpyLinear:
    """``x W^T + b``.

    Attributes:
        weight: (in, out), transposed to what PyTorch stores.
        bias: (out,), zero where there is none.
    """

    def __init__(
        self, parameters: Parameters, width_in: int, width_out: int, *, bias: bool = True
    ) -> None:
        self.weight: Array = np.ascontiguousarray(parameters.take("weight", width_out, width_in).T)
        self.bias: Array = (
            parameters.take("bias", width_out) if bias else np.zeros(width_out, np.float32)
        )

    def __call__(self, x: Array) -> Array:
        return x @ self.weight + self.bias


class NumpyPerceptron:
    """Linear layers with ReLU between them and none after the last."""

    def __init__(self, parameters: Parameters, *widths: int) -> None:
        self._first, *self._others = (
            # ReLU has a number too, hence every second one.
            NumpyLinear(parameters.under(str(2 * number)), *pair)
            for number, pair in enumerate(pairwise(widths))
        )

    def __call__(self, x: Array) -> Array:
        x = self._first(x)
        for layer in self._others:
            x = layer(relu(x))
        return x


def relu(x: Array) -> Array:
    """``max(x, 0)``."""
    return np.maximum(x, np.float32(0))
