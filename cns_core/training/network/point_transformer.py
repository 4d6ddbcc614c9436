"""The point-transformer convolution from keypoints to their cluster's centre (paper, III-B).

What it makes of the desired keypoints is constant while an episode lasts; only the softmax over
the matched ones changes. The constants are gathered once, in :class:`PTConvTarget`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import linear

from cns_core.simulation.packing import PackedGraphs, Segments
from cns_core.training.network.mlp import linear_layer, mlp

LOGIT_FLOOR = -80.0
"""Desired attention logits this far below their cluster's largest would underflow in float32."""


class PTConv(nn.Module):
    """Parameters of the point-transformer convolution, and the products an episode reuses."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pos_nn = mlp(4, width, width)
        self.attn_nn = mlp(width, width, width)
        self.lin = nn.Linear(width, width, bias=False)
        self.lin_src = nn.Linear(width, width, bias=False)
        self.lin_dst = nn.Linear(width, width, bias=False)

    def constants(
        self, embed: nn.Linear, graphs: PackedGraphs, center: torch.Tensor
    ) -> PTConvTarget:
        """What the desired keypoints fix.

        Args:
            embed: the layer that takes (N, 2) positions to features.
            center: (C, 2) desired positions of the cluster centres.
        """
        scorer = _Scorer(
            *self._first_layer(embed), self._second_layer(), linear_layer(self.attn_nn, 1)
        )
        center_bias = self._center_bias(embed(center).relu())
        point_input = torch.cat([graphs.desired, graphs.points.spread(center)], dim=1)
        logit, value = scorer.score(graphs.desired, point_input, graphs.points.spread(center_bias))
        top = graphs.points.spread(graphs.points.max(logit.detach()))
        mass = (logit - top).clamp_min(LOGIT_FLOOR).exp()
        desired_mass = torch.cat([mass * value, mass], dim=1)
        return PTConvTarget(graphs.points, scorer, point_input, center_bias, desired_mass)

    def _first_layer(self, embed: nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias taking [s, s_desired, center] to input features and position code."""
        position = linear_layer(self.pos_nn, 0)
        zero = embed.weight.new_zeros(embed.weight.shape[0], 2)
        of_current, of_desired = position.weight.split(2, dim=1)
        weight = torch.cat(
            [
                torch.cat([embed.weight, zero, zero], dim=1),
                torch.cat([-of_current, -of_desired, of_current + of_desired], dim=1),
            ]
        )
        return weight, torch.cat([embed.bias, position.bias])

    def _second_layer(self) -> torch.Tensor:
        """Weight taking features and position code to [attention's hidden layer, value]."""
        code = linear_layer(self.pos_nn, 1).weight
        attention = linear_layer(self.attn_nn, 0).weight
        return torch.cat(
            [
                torch.cat([-attention @ self.lin_src.weight, attention @ code], dim=1),
                torch.cat([self.lin.weight, code], dim=1),
            ]
        )

    def _center_bias(self, center_feature: torch.Tensor) -> torch.Tensor:
        """(C, 2 width): what the centre's feature and the biases add to the second layer."""
        code = linear_layer(self.pos_nn, 1).bias
        hidden = self.attn_nn[0](self.lin_dst(center_feature) + code)
        return torch.cat([hidden, code.expand_as(hidden)], dim=1)


@dataclass(frozen=True)
class _Scorer:
    """Attention of keypoints: its layers, folded.

    Args:
        weight, bias: of the first layer.
        second: weight of the second.
        third: the attention's last layer.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    second: torch.Tensor
    third: nn.Linear

    def score(
        self, current: torch.Tensor, point_input: torch.Tensor, center_bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention logits and values (M, width) of keypoints at (M, 2) ``current``."""
        features = linear(torch.cat([current, point_input], dim=1), self.weight, self.bias).relu()
        hidden, value = (linear(features, self.second) + center_bias).chunk(2, dim=1)
        return self.third(hidden.relu()), value


@dataclass(frozen=True)
class PTConvTarget:
    """What the desired keypoints and the parameters fix in PTConv.

    Args:
        points: keypoints to clusters.
        point_input: (P, 4), [s_desired, center].
        center_bias: (C, 2 width).
        desired_mass: (P, 2 width), [softmax numerator x value, softmax numerator].
    """

    points: Segments
    scorer: _Scorer
    point_input: torch.Tensor
    center_bias: torch.Tensor
    desired_mass: torch.Tensor

    def aggregate(
        self, current: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`.KeypointAggregation.aggregate`."""
        points = self.points.select(rows)
        logit, value = self.scorer.score(
            current.index_select(0, rows),
            self.point_input.index_select(0, rows),
            points.spread(self.center_bias),
        )
        mass = (logit - points.spread(points.max(logit.detach()))).exp()
        x_current = points.sum(mass * value) / points.sum(mass).clamp_min(1e-30)
        desired, mass = points.sum(self.desired_mass.index_select(0, rows)).chunk(2, dim=1)
        return x_current.relu(), (desired / mass.clamp_min(1e-36)).relu()
