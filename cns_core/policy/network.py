"""The CNS policy on one graph: what :mod:`cns_core.training.reference.network` spells out.

This serves, and needs NumPy alone. :class:`cns_core.training.network.cns_network.CnsNetwork`, which
is trained, is the same function of the same parameters; each layer there has its namesake here,
``Numpy`` before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from cns_core.policy.graph_layers import Clusters, NumpyGConvGRU, NumpyPERConv
from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.linear import Array, NumpyLinear, NumpyPerceptron, relu
from cns_core.policy.memories import NumpyGatedGraphMemory, NumpyPointwiseMemory
from cns_core.policy.parameters import Parameters
from cns_core.policy.point_transformer import NumpyPTConv
from cns_core.policy.pointwise_conv import NumpyPointwiseConv
from cns_core.policy.segments import Segments


class Structure(TypedDict):
    """What network it is: the paper's by default, or one of its ablations (Table II).

    Attributes:
        width: of the hidden layers.
        clustering: keypoints are aggregated into clusters; otherwise each is one.
        memory: ``'gconv_gru'``, ``'mlp'`` (none) or ``'ggnn'``.
    """

    width: int
    clustering: bool
    memory: str


class NumpyMemory(Protocol):
    """Takes the clusters' features and memory, (C, width) both, to their new memory."""

    def __call__(self, x: Array, hidden: Array, clusters: Clusters) -> Array: ...


class NumpyKeypoints(Protocol):
    """Takes keypoints to features of their clusters, for one desired image."""

    def aggregate(self, current: Array, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Features (S, width) of the clusters seen, in the current and in the desired image.

        Args:
            current: (N, 2) where the keypoints are.
            rows: (M,) indices of those matched, sorted by cluster.
        """
        ...


MEMORIES: dict[str, Callable[[Parameters, int], NumpyMemory]] = {
    "gconv_gru": NumpyGConvGRU,
    "mlp": NumpyPointwiseMemory,
    "ggnn": NumpyGatedGraphMemory,
}


@dataclass(frozen=True)
class NumpyTarget:
    """What one desired image fixes in the network for a whole episode.

    Args:
        graph: of the desired keypoints.
        center: (C, 2) positions of its clusters' centres.
        order: (N,) indices that sort the keypoints by cluster.
        keypoints: how keypoints become features of clusters.
    """

    graph: KeypointGraph
    center: Array
    order: NDArray[np.int64]
    keypoints: NumpyKeypoints


class NumpyNetwork:
    """Maps a frame and the clusters' memory to direction and norm of the decoupled twist.

    Args:
        structure: which network it is.
        state: its parameters by the names of PyTorch's state dict.

    Raises:
        ValueError: for an unknown memory, or a parameter that is missing, too many, of another
            shape or not finite.
    """

    def __init__(self, structure: Structure, state: Mapping[str, NDArray[Any]]) -> None:
        width, memory = structure["width"], structure["memory"]
        if memory not in MEMORIES:
            raise ValueError(f"memory must be one of {', '.join(MEMORIES)}, got {memory!r}")
        self.structure = structure
        self.width = width
        parameters = Parameters(state)
        ptconv = NumpyPTConv if structure["clustering"] else NumpyPointwiseConv
        self._input = NumpyLinear(parameters.under("input"), 2, width)
        self._ptconv = ptconv(parameters.under("ptconv"), width)
        self._fuse = NumpyLinear(parameters.under("fuse"), 2 * width, width)
        self._perconv0 = NumpyPERConv(parameters.under("perconv0"), width)
        self._memory = MEMORIES[memory](parameters.under("memory"), width)
        self._perconv1 = NumpyPERConv(parameters.under("perconv1"), width)
        self._gate_nn = NumpyLinear(parameters.under("pool").under("gate_nn"), width, 1)
        self._direction = NumpyPerceptron(parameters.under("direction"), width, width, 6)
        self._norm = NumpyPerceptron(parameters.under("norm"), width, width, 1)
        parameters.refuse_others()

    def target(self, graph: KeypointGraph) -> NumpyTarget:
        """Compute what stays constant while the desired keypoints do."""
        return NumpyTarget(
            graph=graph,
            center=graph.centers.astype(np.float32),
            order=graph.cluster_of_point.argsort(kind="stable"),
            keypoints=self._ptconv.target(self._input, graph),
        )

    def __call__(
        self,
        target: NumpyTarget,
        current: Array,
        matched: NDArray[np.bool_],
        hidden: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Advance one frame.

        Args:
            target: from :meth:`target`.
            current: (N, 2) where the keypoints are; anything finite where not matched.
            matched: (N,) bool, at least one.
            hidden: (C, width) memory of the last frame; None (zero) at the first.

        Returns:
            direction (6,), raw norm (1,) and the new memory (C, width).
        """
        rows = target.order[matched[target.order]]
        x_current, x_desired = target.keypoints.aggregate(current, rows)
        seen = Segments(target.graph.cluster_of_point[rows]).clusters
        clusters = Clusters(target.center, seen)

        fused = self._fuse(np.concatenate([x_current, x_desired - x_current], axis=1))
        x = relu(self._perconv0(clusters.scatter(relu(fused)), clusters))
        hidden = self._memory(x, np.zeros_like(x) if hidden is None else hidden, clusters)
        x = relu(self._perconv1(hidden, clusters))

        pooled = self._pool(x[seen])
        return self._direction(pooled), self._norm(pooled), hidden

    def _pool(self, x: Array) -> Array:
        """Attentional aggregation (width,) of the (S, width) features of clusters."""
        logit = self._gate_nn(x)
        mass = np.exp(logit - logit.max())
        pooled: Array = (mass * x).sum(axis=0) / mass.sum()
        return pooled


def twist(direction: Array, norm: Array) -> Array:
    """Distance-decoupled twist [v/d, w] (6,): Eq. 3 with the six numbers normalized together.

    The norm is ``1 + ELU(norm)``: exponential towards zero, linear above one.
    """
    size = np.where(norm > 0, 1 + norm, np.exp(np.minimum(norm, np.float32(0))))
    length = np.linalg.norm(direction)
    return direction / max(length, np.float32(1e-12)) * size
