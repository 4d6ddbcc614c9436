"""A trained policy and its episodes: keypoints in, distance-decoupled twists out."""

import numpy as np
import torch

from cns_core.policy.keypoint_graph import build_graph
from cns_core.policy.network import twist
from cns_core.policy.packing import PackedGraphs


class Policy:
    """A network ready to serve. Make one with :func:`cns_core.load_policy`.

    Args:
        network: from :func:`cns_core.policy.variants.make_network`.
    """

    def __init__(self, network):
        self.network = network.eval()

    def episode(self, desired, cluster_of_point=None):
        """Begin towards one desired image.

        Args:
            desired: (N, 2) keypoints of the desired image, normalized plane.
            cluster_of_point: (N,) clusters numbered from 0 without gaps; None to find them.

        Raises:
            ValueError: as :func:`cns_core.policy.keypoint_graph.build_graph`.
        """
        if cluster_of_point is None and not self.network.clustering:
            cluster_of_point = np.arange(len(desired))
        return Episode(self.network, build_graph(desired, cluster_of_point))


class Episode:
    """One servoing task: the graph of its desired image and the network's memory.

    Attributes:
        graph: the :class:`cns_core.policy.keypoint_graph.KeypointGraph`.
        twist: (6,) distance-decoupled twist [v/d, w] of the last step, 1/s and rad/s (Eq. 3); None
            before the first.
    """

    @torch.inference_mode()
    def __init__(self, network, graph):
        self.graph = graph
        self.twist = None
        self._network = network
        packed, self._order = PackedGraphs.of(graph)
        self._target = network.target(packed)
        self._hidden = None

    @torch.inference_mode()
    def step(self, current, matched):
        """Advance one frame.

        Args:
            current: (N, 2) where the desired keypoints are now, normalized plane; only the rows
                matched are read.
            matched: (N,) bool.

        Returns:
            The network's raw outputs: direction (6,) and norm (1,), before Eq. 3.

        Raises:
            ValueError: on wrong shapes, no matched keypoint, or a matched one that is not finite.
        """
        current = np.asarray(current, dtype=np.float32)
        matched = np.asarray(matched, dtype=bool)
        shape = self.graph.desired.shape
        if current.shape != shape or matched.shape != shape[:1]:
            raise ValueError(
                f"current must be {shape} and matched {shape[:1]}, "
                f"got {current.shape} and {matched.shape}"
            )
        if not matched.any():
            raise ValueError("no keypoint is matched: the policy needs at least one")
        if not np.isfinite(current[matched]).all():
            raise ValueError("matched current keypoints must be finite")
        current = np.where(matched[:, None], current, 0)
        direction, norm, self._hidden = self._network(
            self._target,
            torch.from_numpy(current[self._order]),
            torch.from_numpy(matched[self._order]),
            self._hidden,
        )
        self.twist = twist(direction, norm)[0].double().numpy()
        return direction[0].numpy(), norm[0].numpy()
