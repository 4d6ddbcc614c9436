"""The multi-layer perceptron of the paper's figures."""

from itertools import pairwise

from torch import nn


def mlp(*widths):
    """Linear layers with ReLU between them and none after the last."""
    layers = []
    for width_in, width_out in pairwise(widths):
        layers += [nn.Linear(width_in, width_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
