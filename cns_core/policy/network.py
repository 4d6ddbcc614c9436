"""The CNS policy on packed graphs: the function of :mod:`.cns`, computed without edges.

Two identities make it fast, both exact. EdgeMax has one linear layer ``[W1 W2 W3]``, so

    max_j (W1 x_i + W2 (x_j - x_i) + W3 (p_j - p_i)) + b
        = (W1 - W2) x_i - W3 p_i + b + max_j (W2 x_j + W3 p_j),

and on densely connected clusters the maximum is the same for every i: one pass over clusters, not
pairs. And what PTConv makes of the desired keypoints is constant while an episode lasts; only the
softmax over the matched ones changes. All that is constant is gathered once, in :class:`Target`.

The same code trains on batches of graphs and serves a batch of one.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import linear

from cns_core.policy.mlp import mlp
from cns_core.policy.packing import PackedGraphs

LOGIT_FLOOR = -80.0
"""Desired attention logits this far below their cluster's largest would underflow in float32."""


class PTConv(nn.Module):
    """Parameters of the point-transformer convolution, and the products an episode reuses."""

    def __init__(self, width):
        super().__init__()
        self.pos_nn = mlp(4, width, width)
        self.attn_nn = mlp(width, width, width)
        self.lin = nn.Linear(width, width, bias=False)
        self.lin_src = nn.Linear(width, width, bias=False)
        self.lin_dst = nn.Linear(width, width, bias=False)

    def first_layer(self, embed):
        """Weight and bias taking [s, s_desired, center] to input features and position code."""
        position = self.pos_nn[0]
        zero = embed.weight.new_zeros(embed.weight.shape[0], 2)
        of_current, of_desired = position.weight.split(2, dim=1)
        weight = torch.cat(
            [
                torch.cat([embed.weight, zero, zero], dim=1),
                torch.cat([-of_current, -of_desired, of_current + of_desired], dim=1),
            ]
        )
        return weight, torch.cat([embed.bias, position.bias])

    def second_layer(self):
        """Weight taking features and position code to [attention's hidden layer, value]."""
        code, attention = self.pos_nn[2].weight, self.attn_nn[0].weight
        return torch.cat(
            [
                torch.cat([-attention @ self.lin_src.weight, attention @ code], dim=1),
                torch.cat([self.lin.weight, code], dim=1),
            ]
        )

    def center_bias(self, center_feature):
        """(C, 2 width): what the centre's feature and the biases add to the second layer."""
        code = self.pos_nn[2].bias
        hidden = self.attn_nn[0](self.lin_dst(center_feature) + code)
        return torch.cat([hidden, code.expand_as(hidden)], dim=1)


@dataclass(frozen=True)
class PTConvConstants:
    """What the desired keypoints and the parameters fix in PTConv."""

    point_input: torch.Tensor  # (P, 4): [s_desired, center]
    first: tuple  # weight and bias of the first layer
    second: torch.Tensor  # weight of the second layer
    center_bias: torch.Tensor  # (C, 2 width)
    desired_mass: torch.Tensor  # (P, 2 width): [softmax numerator x value, softmax numerator]


@dataclass(frozen=True)
class Target:
    """All that one desired image fixes for a whole episode, for each of B packed graphs."""

    graphs: PackedGraphs
    center: torch.Tensor  # (C, 2)
    cluster_count: torch.Tensor  # (B, 1)
    keypoints: PTConvConstants
    edges: dict  # of every EdgeMax, what its ``constants`` gives


class EdgeMax(nn.Module):
    """``max_j W [x_i, x_j - x_i, p_j - p_i] + b`` over all pairs of some clusters of a graph."""

    def __init__(self, width_in, width_out):
        super().__init__()
        self.linear = nn.Linear(2 * width_in + 2, width_out)

    def constants(self, center):
        """Weight (2 out, in) and offset (C, 2 out) that take x to what a cluster gives to others
        and keeps for itself."""
        width = (self.linear.in_features - 2) // 2
        of_self, of_other, of_position = self.linear.weight.split([width, width, 2], dim=1)
        place = linear(center, of_position)
        weight = torch.cat([of_other, of_self - of_other])
        return weight, torch.cat([place, self.linear.bias - place], dim=1)

    def forward(self, x, target, seen=None):
        """(C, out) for (C, in) features; over all clusters, or those ``seen``, zero for the others.

        Args:
            seen: pair of a (C, 1) float mask and (M,) indices of the clusters that take part.
        """
        clusters = target.graphs.clusters
        weight, offset = target.edges[self]
        other, own = torch.addmm(offset, x, weight.t()).chunk(2, dim=1)
        if seen is None:
            return own + clusters.spread(clusters.max(other))
        mask, rows = seen
        best = clusters.select(rows).max(other.index_select(0, rows))
        return (own + clusters.spread(best)) * mask


class GraphNorm(nn.Module):
    """Normalization over a graph, less a learned share of its mean (Cai et al. 2021)."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.mean_scale = nn.Parameter(torch.ones(width))

    def forward(self, x, target):
        clusters = target.graphs.clusters
        mean = clusters.sum(x) / target.cluster_count
        x = x - clusters.spread(mean * self.mean_scale)
        variance = clusters.sum(x * x) / target.cluster_count
        return x * clusters.spread(self.weight * (variance + 1e-5).rsqrt()) + self.bias


class PERConv(nn.Module):
    """EdgeMax, GraphNorm, ReLU and a linear layer, with a residual."""

    def __init__(self, width):
        super().__init__()
        self.conv = EdgeMax(width, width)
        self.norm = GraphNorm(width)
        self.linear = nn.Linear(width, width)

    def forward(self, x, target, seen):
        return self.linear(self.norm(self.conv(x, target, seen), target).relu()) + x


class GConvGRU(nn.Module):
    """GRU of graph convolutions: gates over all clusters, candidate over those seen (Eq. 7)."""

    def __init__(self, width):
        super().__init__()
        self.gates = EdgeMax(2 * width, 2 * width)
        self.candidate = EdgeMax(2 * width, width)

    def forward(self, x, hidden, target, seen):
        gates = self.gates(torch.cat([x, hidden], dim=1), target)
        reset, update = gates.sigmoid().chunk(2, dim=1)
        both = torch.cat([x, hidden * reset], dim=1)
        candidate = self.candidate(both, target, seen).tanh()
        return (1 - update) * hidden + update * candidate


class CnsNetwork(nn.Module):
    """Maps a frame and the clusters' memory to direction and norm of the decoupled twist."""

    clustering = True

    def __init__(self, width=128, memory=GConvGRU):
        super().__init__()
        self.width = width
        self.input = nn.Linear(2, width)
        self.ptconv = PTConv(width)
        self.fuse = nn.Linear(2 * width, width)
        self.perconv0 = PERConv(width)
        self.memory = memory(width)
        self.perconv1 = PERConv(width)
        self.pool = nn.ModuleDict({"gate_nn": nn.Linear(width, 1)})
        self.direction = mlp(width, width, 6)
        self.norm = mlp(width, width, 1)

    def target(self, graphs):
        """Compute what stays constant while the parameters and the desired keypoints do."""
        center = graphs.desired[graphs.center_index]
        return Target(
            graphs=graphs,
            center=center,
            cluster_count=graphs.clusters.sizes()[:, None].to(center.dtype),
            keypoints=self._constants(graphs, center),
            edges={m: m.constants(center) for m in self.modules() if isinstance(m, EdgeMax)},
        )

    def _constants(self, graphs, center):
        """What PTConv reuses in every frame."""
        first = self.ptconv.first_layer(self.input)
        second = self.ptconv.second_layer()
        center_bias = self.ptconv.center_bias(self.input(center).relu())
        point_input = torch.cat([graphs.desired, graphs.points.spread(center)], dim=1)
        logit, value = self._attention(
            graphs.desired, point_input, first, second, graphs.points.spread(center_bias)
        )
        top = graphs.points.spread(graphs.points.max(logit.detach()))
        mass = (logit - top).clamp_min(LOGIT_FLOOR).exp()
        desired_mass = torch.cat([mass * value, mass], dim=1)
        return PTConvConstants(point_input, first, second, center_bias, desired_mass)

    def _attention(self, current, point_input, first, second, center_bias):
        """Attention logits and values (M, width) of keypoints at (M, 2) ``current``."""
        features = linear(torch.cat([current, point_input], dim=1), *first).relu()
        hidden, value = (linear(features, second) + center_bias).split(self.width, dim=1)
        return self.ptconv.attn_nn[2](hidden.relu()), value

    def _aggregate(self, target, current, rows):
        """PTConv of the matched keypoints ``rows``, in the current and in the desired image."""
        points, fixed = target.graphs.points.select(rows), target.keypoints
        logit, value = self._attention(
            current.index_select(0, rows),
            fixed.point_input.index_select(0, rows),
            fixed.first,
            fixed.second,
            points.spread(fixed.center_bias),
        )
        mass = (logit - points.spread(points.max(logit.detach()))).exp()
        x_current = points.sum(mass * value) / points.sum(mass).clamp_min(1e-30)
        desired, mass = points.sum(fixed.desired_mass.index_select(0, rows)).split(self.width, 1)
        return x_current.relu(), (desired / mass.clamp_min(1e-36)).relu()

    def forward(self, target, current, matched, hidden=None):
        """Advance one frame.

        Args:
            target: from :meth:`target`.
            current: (P, 2) where the keypoints are; anything finite where not matched.
            matched: (P,) bool.
            hidden: (C, width) memory of the last frame; None (zero) at the first.

        Returns:
            direction (B, 6), raw norm (B, 1) and the new memory (C, width).
        """
        rows = matched.nonzero()[:, 0]
        clusters = target.graphs.clusters
        x_current, x_desired = self._aggregate(target, current, rows)
        mask = target.graphs.points.select(rows).sizes() > 0
        seen = mask[:, None].to(current.dtype), mask.nonzero()[:, 0]

        x = self.fuse(torch.cat([x_current, x_desired - x_current], dim=1)).relu() * seen[0]
        x = self.perconv0(x, target, seen).relu()
        if hidden is None:
            hidden = torch.zeros_like(x)
        hidden = self.memory(x, hidden, target, seen)
        x = self.perconv1(hidden, target, seen).relu()

        pooled = self._pool(x.index_select(0, seen[1]), clusters.select(seen[1]))
        return self.direction(pooled), self.norm(pooled), hidden

    def _pool(self, x, clusters):
        """Attentional aggregation of the matched clusters of each graph."""
        logit = self.pool["gate_nn"](x)
        mass = (logit - clusters.spread(clusters.max(logit.detach()))).exp()
        return clusters.sum(mass * x) / clusters.sum(mass).clamp_min(1e-30)


def twist(direction, norm):
    """Distance-decoupled twist [v/d, w] (B, 6): Eq. 3 with the six numbers normalized together.

    The norm is ``1 + ELU(norm)``: exponential towards zero, linear above one.
    """
    size = 1 + nn.functional.elu(norm)
    return nn.functional.normalize(direction, dim=-1) * size
