"""The network and its ablations (paper, Table II), by configuration."""

from torch import nn

from cns_core.policy.mlp import mlp
from cns_core.policy.network import CnsNetwork, EdgeMax, GConvGRU


class PointwiseMemory(nn.Module):
    """No memory: a multi-layer perceptron on each cluster alone ("-GConvGRU")."""

    def __init__(self, width):
        super().__init__()
        self.layers = mlp(width, width, width)

    def forward(self, x, hidden, target, seen):
        return self.layers(x)


class GatedGraphMemory(nn.Module):
    """Graph convolution first and a GRU cell after it ("+GGNN", Li et al. 2016)."""

    def __init__(self, width):
        super().__init__()
        self.conv = EdgeMax(width, width)
        self.cell = nn.GRUCell(width, width)

    def forward(self, x, hidden, target, seen):
        return self.cell(self.conv(x, target, seen), hidden)


class PointwiseCnsNetwork(CnsNetwork):
    """No clustering: every keypoint a cluster, a perceptron in PTConv's place ("-Cluster")."""

    clustering = False

    def __init__(self, width=128, memory=GConvGRU):
        super().__init__(width, memory)
        self.ptconv = mlp(width, width, width)

    def _constants(self, graphs, center):
        return None

    def _aggregate(self, target, current, rows):
        x_current, x_desired = (
            self.ptconv(self.input(points.index_select(0, rows)).relu()).relu()
            for points in (current, target.graphs.desired)
        )
        points = target.graphs.points.select(rows)
        return points.sum(x_current), points.sum(x_desired)


MEMORIES = {"gconv_gru": GConvGRU, "mlp": PointwiseMemory, "ggnn": GatedGraphMemory}


def make_network(width=128, clustering=True, memory="gconv_gru"):
    """The paper's network, or one of its ablations.

    Args:
        width: of the hidden layers.
        clustering: aggregate keypoints into clusters; otherwise each is one.
        memory: ``'gconv_gru'``, ``'mlp'`` (none) or ``'ggnn'``.

    Raises:
        ValueError: for an unknown ``memory``.
    """
    if memory not in MEMORIES:
        raise ValueError(f"memory must be one of {', '.join(MEMORIES)}, got {memory!r}")
    kind = CnsNetwork if clustering else PointwiseCnsNetwork
    return kind(width, MEMORIES[memory])


def structure(network):
    """The arguments of :func:`make_network` that made ``network``."""
    memory = next(name for name, kind in MEMORIES.items() if type(network.memory) is kind)
    return {"width": network.width, "clustering": network.clustering, "memory": memory}
