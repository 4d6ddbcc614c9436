"""The multi-layer perceptron of the paper's figures."""

from itertools import pairwise
from typing import cast

from torch import nn


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers with ReLU between them and none after the last."""
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths):
        layers += [nn.Linear(width_in, width_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def linear_layer(layers: nn.Sequential, number: int) -> nn.Linear:
    """The linear layer of an :func:`mlp` with this number, from 0."""
    return cast(nn.Linear, layers[2 * number])
