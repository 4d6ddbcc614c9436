"""An observer that knows the scene, for judging controllers alone."""

from __future__ import annotations

import numpy as np

from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous
from cns_core.observers import Observer, make_observer

JITTER_PX = 0.05
"""What the best of real observers leave; without any, no stop rule could tell rest from motion."""

_DEPTH_TOLERANCE_M = 0.003


class OracleObserver(Observer):
    """Projects the desired image's keypoints by their true depth; hidden ones are not matched.

    Args:
        environment: what the servo watches.
        seed: of the jitter of ``JITTER_PX``.
    """

    def __init__(self, environment: ImageEnvironment, seed: int = 0) -> None:
        self._environment = environment
        self._rng = np.random.default_rng(seed)
        self._points = np.zeros((0, 3))
        self.desired = None

    def set_desired(self, image: np.ndarray) -> None:
        """Take SIFT's keypoints of ``image`` and look up where they lie in the scene."""
        env = self._environment
        finder = make_observer("sift", env.camera, verify=False)
        finder.set_desired(image)
        keypoints = np.asarray(finder.desired)
        pixels = env.camera.denormalize(keypoints)
        depth = env.depth(env.T_goal, pixels)
        hit = np.isfinite(depth)
        self.desired = keypoints[hit]
        rays = homogeneous(keypoints[hit])
        self._points = depth[hit, None] * rays @ env.T_goal[:3, :3].T + env.T_goal[:3, 3]

    def observe(self, image: np.ndarray | None) -> Correspondence:
        """The :class:`Correspondence` of the environment's present; ``image`` is not looked at."""
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        env = self._environment
        T_cs = se3.inverse(env.T)
        local = self._points @ T_cs[:3, :3].T + T_cs[:3, 3]
        pixels = env.camera.project(local)
        size = (env.camera.width - 1, env.camera.height - 1)
        matched = ((pixels >= 0) & (pixels <= size)).all(axis=1)
        surface = env.depth(env.T, pixels[matched])
        matched[matched] = np.abs(surface - local[matched, 2]) < _DEPTH_TOLERANCE_M
        current = np.zeros_like(self.desired)
        jitter = self._rng.normal(0.0, JITTER_PX / env.camera.focal, (matched.sum(), 2))
        current[matched] = local[matched, :2] / local[matched, 2:] + jitter
        return Correspondence(self.desired, current, matched)
