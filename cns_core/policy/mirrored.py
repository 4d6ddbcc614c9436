"""A policy on a view and its mirror images: the mean of its answers errs less than one of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.policy.keypoint_graph import KeypointGraph
from cns_core.policy.policy import Policy

MIRRORS = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
"""Signs of the image's axes. A quarter turn would do as well, but images are wider than high."""


class MirroredRun:
    """The policy on its way to one desired image, with a memory for each mirror image.

    What a camera has to do in a mirrored world is mirrored: a velocity as any vector, a turn as an
    axial one. A network learns that only about; where a turn and a shift look nearly alike, its
    error is what leads astray.

    Args:
        policy: answers each.
        desired: (N, 2) keypoints of the desired image, normalized plane.
        mirrors: (K, 2) signs, the first of them 1, 1.

    Raises:
        ValueError: as :func:`.build_graph`.
    """

    def __init__(
        self, policy: Policy, desired: ArrayLike, mirrors: NDArray[np.float64] = MIRRORS
    ) -> None:
        points = np.asarray(desired, dtype=float)
        self._mirrors = mirrors
        self._runs = [policy.start(points)]
        for signs in mirrors[1:]:
            self._runs.append(policy.start(points * signs, self.graph.cluster_of_point))

    @property
    def graph(self) -> KeypointGraph:
        """The desired keypoints' graph, as they are."""
        return self._runs[0].graph

    def twist(self, current: ArrayLike, matched: ArrayLike) -> NDArray[np.float64]:
        """(6,) decoupled twist [v/d, w], 1/s and rad/s, that answers one frame.

        Args:
            current, matched: as of :meth:`.PolicyRun.step`.

        Raises:
            ValueError: as :meth:`.PolicyRun.step`.
        """
        points = np.asarray(current, dtype=float)
        answers = [
            _mirrored(run.step(points * signs, matched).twist, signs)
            for run, signs in zip(self._runs, self._mirrors, strict=True)
        ]
        return np.mean(answers, axis=0)


def _mirrored(twist: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (6,) twist of a mirrored camera as that of the camera, or the other way round."""
    x, y = signs
    return twist * [x, y, 1.0, y, x, x * y]
