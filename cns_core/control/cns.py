"""The neural controller: the CNS policy behind the common interface."""

import numpy as np

from cns_core.control.controller import require_matches
from cns_core.control.factory import FINISHES
from cns_core.control.terminal_correction import Handover, consistent, correction
from cns_core.policy.episode import Policy
from cns_core.policy.weights import load_policy


class CnsController:
    """Servo with a trained policy.

    Args:
        policy: a :class:`.Policy`, a path of weights, or None for those shipped.
        finish: ``'ibvs'`` lets the interaction matrix correct the policy near the goal, where it is
            the more precise law; ``'none'`` leaves the policy alone.

    Attributes:
        graph: the target's :class:`.KeypointGraph`; None before :meth:`start`.
        matched: (N,) bool of the last frame; ``graph.edges0`` and ``graph.edges1`` of it are the
            frame's edges.
        finish_share: how far the last command was corrected, 0..1.

    Raises:
        ValueError: for an unknown ``finish`` or weights that cannot be loaded.
        FileNotFoundError: if no weights are given and none are installed.
    """

    min_matches = 4
    """Fewer keypoints do not determine a camera pose, memory or not."""

    def __init__(self, policy=None, finish="ibvs"):
        if finish not in FINISHES:
            raise ValueError(f"finish must be one of {FINISHES}, got {finish!r}")
        self.finish = finish
        self.graph = None
        self.matched = None
        self._policy = policy if isinstance(policy, Policy) else load_policy(policy)
        self._handover = Handover()

    @property
    def finish_share(self):
        return self._handover.share

    def start(self, desired):
        """Begin an episode towards (N, 2) desired keypoints, forgetting all memory of the last one.

        Raises:
            ValueError: as :func:`cns_core.policy.keypoint_graph.build_graph`.
        """
        self._episode = self._policy.episode(desired)
        self.graph = self._episode.graph
        self.matched = np.zeros(len(self.graph.desired), dtype=bool)
        self._handover = Handover()

    def velocity(self, correspondence):
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            ValueError: with fewer than four matched keypoints.
        """
        require_matches(self, correspondence)
        self.matched = correspondence.matched
        self._episode.step(correspondence.current, correspondence.matched)
        if self.finish == "none":
            return self._episode.twist
        twist = self._episode.twist
        share = self._handover.update(np.linalg.norm(twist))
        near = consistent(correspondence)
        if share == 0.0 or near.sum() < self.min_matches:
            return twist
        current, desired = correspondence.current[near], correspondence.desired[near]
        return twist + share * correction(twist, current, desired)
