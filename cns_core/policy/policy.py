"""A trained policy and its runs: keypoints in, distance-decoupled twists out."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController

from cns_core.policy.keypoint_graph import KeypointGraph, build_graph
from cns_core.policy.linear import Array
from cns_core.policy.network import NumpyNetwork, twist

_TURN = Lock()


class PolicyOutput(NamedTuple):
    """What the policy makes of one frame.

    Attributes:
        direction, norm: the network's raw outputs, (6,) and (1,) float32, before Eq. 3.
        twist: (6,) distance-decoupled twist [v/d, w], 1/s and rad/s (Eq. 3).
    """

    direction: NDArray[np.float32]
    norm: NDArray[np.float32]
    twist: NDArray[np.float64]


class Policy:
    """A network ready to serve. Make one with :func:`cns_core.load_policy`.

    Args:
        network: of trained parameters.
    """

    def __init__(self, network: NumpyNetwork) -> None:
        self.network = network

    def start(self, desired: ArrayLike, cluster_of_point: ArrayLike | None = None) -> "PolicyRun":
        """Begin towards one desired image, without memory of another.

        Args:
            desired: (N, 2) keypoints of the desired image, normalized plane.
            cluster_of_point: (N,) clusters numbered from 0 without gaps; None to find them.

        Raises:
            ValueError: as :func:`cns_core.policy.keypoint_graph.build_graph`.
        """
        if cluster_of_point is None and not self.network.structure["clustering"]:
            cluster_of_point = np.arange(len(np.asarray(desired)))
        return PolicyRun(self.network, build_graph(desired, cluster_of_point))


class PolicyRun:
    """The policy on its way to one desired image: that image's graph and the network's memory.

    Attributes:
        graph: the :class:`cns_core.policy.keypoint_graph.KeypointGraph`.
        memory: (C, width) hidden state of the clusters; None before the first frame.
    """

    def __init__(self, network: NumpyNetwork, graph: KeypointGraph) -> None:
        self.graph = graph
        self.memory: Array | None = None
        self._network = network
        with _one_thread():
            self._target = network.target(graph)

    def step(self, current: ArrayLike, matched: ArrayLike) -> PolicyOutput:
        """Advance one frame.

        Args:
            current: (N, 2) where the desired keypoints are now, normalized plane; only the rows
                matched are read.
            matched: (N,) bool.

        Raises:
            ValueError: on wrong shapes, no matched keypoint, or a matched one that is not finite.
        """
        points, mask = self._checked(current, matched)
        with _one_thread():
            direction, norm, self.memory = self._network(self._target, points, mask, self.memory)
        return PolicyOutput(direction, norm, twist(direction, norm).astype(np.float64))

    def _checked(
        self, current: ArrayLike, matched: ArrayLike
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The frame as arrays, zero where not matched."""
        points, mask = np.asarray(current, dtype=np.float32), np.asarray(matched, dtype=bool)
        shape = self.graph.desired.shape
        if points.shape != shape or mask.shape != shape[:1]:
            raise ValueError(
                f"current must be {shape} and matched {shape[:1]}, got {points.shape} and "
                f"{mask.shape}"
            )
        if not mask.any():
            raise ValueError("no keypoint is matched: the policy needs at least one")
        if not np.isfinite(points[mask]).all():
            raise ValueError("matched current keypoints must be finite")
        return np.where(mask[:, None], points, 0), mask


@contextmanager
def _one_thread() -> Iterator[None]:
    """Matrices are multiplied by one thread, and by as many as before when this is left.

    Ours are so small that several threads wait for each other most of the time, on a busy machine
    for ever; and with one a run is repeated bit for bit whatever the machine. The number is the
    whole process's, so that policies take turns: else one would restore what another has set.
    """
    with _TURN, _blas().limit(limits=1):
        yield


@cache
def _blas() -> ThreadpoolController:
    """The libraries that multiply matrices."""
    return ThreadpoolController().select(user_api="blas")
