"""The neural controller: the CNS policy behind the common interface."""

import numpy as np

from cns_core.controllers.ibvs import IbvsController
from cns_core.correspondence import Correspondence
from cns_core.policy import Policy
from cns_core.weights import load_policy

FINISHES = ("none", "ibvs")


class Handover:
    """How much of the command the finishing law has: 0 far from the goal, 1 near it.

    Entered below one error and left only above a larger one, and ramped in between, so that noise
    on the error neither toggles the law nor makes the command jump.

    Args:
        enter, leave: keypoint errors (normalized plane) that start and undo the hand-over.
        ramp_frames: frames from 0 to 1.
    """

    def __init__(self, enter=0.02, leave=0.05, ramp_frames=12):
        self.enter, self.leave, self.ramp_frames = enter, leave, ramp_frames
        self._near = False
        self._frames = 0

    @property
    def share(self):
        """The finishing law's share of the command, 0..1."""
        return self._frames / self.ramp_frames

    def update(self, error):
        """Advance one frame with its keypoint error and return the share in 0..1."""
        if error < self.enter:
            self._near = True
        elif error > self.leave:
            self._near = False
        frames = self._frames + (1 if self._near else -1)
        self._frames = min(max(frames, 0), self.ramp_frames)
        return self.share


class CnsController:
    """Servo with a trained policy.

    Args:
        policy: a :class:`cns_core.policy.Policy`, a path of weights, or None for those shipped.
        finish: ``'ibvs'`` hands over smoothly to the interaction matrix near the goal, where it is
            the more precise law; ``'none'`` leaves the policy alone.

    Attributes:
        graph: the target's :class:`cns_core.graph.KeypointGraph`; None before :meth:`start`.
        matched: (N,) bool of the last frame; ``graph.edges0`` and ``graph.edges1`` of it are the
            frame's edges.
        finish_share: share of the finishing law in the last command, 0..1.

    Raises:
        ValueError: for an unknown ``finish`` or weights that cannot be loaded.
        FileNotFoundError: if no weights are given and none are installed.
    """

    min_matches = 4
    """Fewer keypoints do not determine a camera pose, memory or not."""

    def __init__(self, policy=None, finish="none"):
        if finish not in FINISHES:
            raise ValueError(f"finish must be one of {FINISHES}, got {finish!r}")
        self.finish = finish
        self.graph = None
        self.matched = None
        self._policy = policy if isinstance(policy, Policy) else load_policy(policy)
        self._ibvs = IbvsController()
        self._handover = Handover()

    @property
    def finish_share(self):
        return self._handover.share

    def start(self, desired):
        """Begin an episode towards (N, 2) desired keypoints, forgetting all memory of the last one.

        Raises:
            ValueError: as :func:`cns_core.graph.build_graph`.
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
        if correspondence.count < self.min_matches:
            raise ValueError(
                f"CNS needs {self.min_matches} matched keypoints, got {correspondence.count}"
            )
        self.matched = correspondence.matched
        self._episode.step(correspondence.current, correspondence.matched)
        if self.finish == "none":
            return self._episode.twist
        near, error = _consistent(correspondence)
        share = self._handover.update(error)
        if share == 0.0 or near.count < self._ibvs.min_matches:
            return self._episode.twist
        return (1 - share) * self._episode.twist + share * self._ibvs.velocity(near)


def _consistent(correspondence):
    """The matches that a camera near its goal can have, and their median distance to their goals.

    Near the goal all keypoints are displaced alike, mismatched ones by far more.
    """
    gap = np.linalg.norm(correspondence.current - correspondence.desired, axis=1)
    median = float(np.median(gap[correspondence.matched]))
    kept = correspondence.matched & (gap <= 3.0 * median)
    return Correspondence(correspondence.desired, correspondence.current, kept), median
