"""The neural controller: the CNS policy behind the common interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cns_core.control.controller import Controller, require_matches
from cns_core.control.terminal_correction import (
    TERMINAL_CORRECTIONS,
    BumplessTransfer,
    consistent,
    correction,
)
from cns_core.geometry.correspondence import Correspondence
from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.mirrored import MIRRORS, MirroredRun
from cns_core.policy.policy import Policy
from cns_core.policy.weights import load_policy


class CnsController(Controller):
    """Servo with a trained policy.

    Args:
        policy: a :class:`.Policy`, a path of weights, or None for those shipped.
        terminal: ``'ibvs'`` lets the interaction matrix correct the policy near the goal, where it
            is the more precise law; ``'none'`` leaves the policy alone.
        mirrored: the mean of the policy's answers to the view and its mirror images, see
            :class:`.MirroredRun`; False for its answer alone, as in the paper.

    Raises:
        ValueError: for an unknown ``terminal`` or weights that cannot be loaded.
        FileNotFoundError: if no weights are given and none are installed.
    """

    min_matches = 4
    """Fewer keypoints do not determine a camera pose, memory or not."""

    def __init__(
        self,
        policy: Policy | str | Path | None = None,
        terminal: str = "ibvs",
        mirrored: bool = True,
    ) -> None:
        if terminal not in TERMINAL_CORRECTIONS:
            raise ValueError(f"terminal must be one of {TERMINAL_CORRECTIONS}, got {terminal!r}")
        self.terminal = terminal
        self._policy = policy if isinstance(policy, Policy) else load_policy(policy)
        self._mirrors = MIRRORS if mirrored else MIRRORS[:1]
        self._run: MirroredRun | None = None
        self._transfer = BumplessTransfer()

    @property
    def graph(self) -> KeypointGraph | None:
        """The desired keypoints' graph; None before :meth:`start`."""
        return self._run.graph if self._run else None

    @property
    def terminal_share(self) -> float:
        """How far the last velocity was corrected near the goal, 0..1."""
        return self._transfer.share

    def start(self, desired: NDArray[np.float64]) -> None:
        """Begin an episode towards (N, 2) desired keypoints, forgetting all memory of the last one.

        Raises:
            ValueError: as :func:`cns_core.policy.keypoint_graph.build_graph`.
        """
        self._run = MirroredRun(self._policy, desired, self._mirrors)
        self._transfer = BumplessTransfer()

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame, gain 1.

        Raises:
            RuntimeError: before :meth:`start`.
            ValueError: with fewer than four matched keypoints.
        """
        if self._run is None:
            raise RuntimeError("no episode yet: call start first")
        require_matches(self, correspondence)
        twist = self._run.twist(correspondence.current, correspondence.matched)
        return twist if self.terminal == "none" else self._corrected(twist, correspondence)

    def _corrected(
        self, twist: NDArray[np.float64], correspondence: Correspondence
    ) -> NDArray[np.float64]:
        share = self._transfer.update(float(np.linalg.norm(twist)))
        near = consistent(correspondence)
        if share == 0.0 or near.sum() < self.min_matches:
            return twist
        current, desired = correspondence.current[near], correspondence.desired[near]
        weight = correspondence.weight[near]
        return twist + share * correction(twist, current, desired, weight=weight)
