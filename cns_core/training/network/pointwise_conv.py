"""What stands in PTConv's place where every keypoint is a cluster (paper, Table II, "-Cluster")."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from cns_core.simulation.packing import PackedGraphs


class PointwiseConv(nn.Sequential):
    """A perceptron on each keypoint alone."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def constants(
        self, embed: nn.Linear, graphs: PackedGraphs, center: torch.Tensor
    ) -> PointwiseTarget:
        """As :meth:`.PTConv.constants`."""
        return PointwiseTarget(self, embed, graphs)


@dataclass(frozen=True)
class PointwiseTarget:
    """The perceptron, the layer before it, and the graphs that it runs on."""

    perceptron: PointwiseConv
    embed: nn.Linear
    graphs: PackedGraphs

    def aggregate(
        self, current: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`.KeypointAggregation.aggregate`."""
        x_current, x_desired = (
            self.perceptron(self.embed(points.index_select(0, rows)).relu()).relu()
            for points in (current, self.graphs.desired)
        )
        points = self.graphs.points.select(rows)
        return points.sum(x_current), points.sum(x_desired)
