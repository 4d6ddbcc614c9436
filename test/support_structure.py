"""A rigid scene of points, seen by a camera that moves: keypoints with the errors that images have.

Every sighting errs by noise of its own, by what a keypoint looks like from elsewhere (the same from
frame to frame and growing with the distance to the goal), and by a smooth change over the image
that all share.
"""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.structure.estimate import Estimate
from cns_core.structure.estimator import StructureEstimator

FOCAL = 540.0
GOAL = se3.look_at([0.05, -0.1, 0.6], [0.0, 0.0, 0.0])
START = GOAL @ se3.exp([0.08, -0.05, -0.1, 0.15, -0.2, 0.6])
ODOMETRY_M = 2e-5


class World:
    """Points about the origin.

    Args:
        seed: of everything.
        count: number of points.
        goal: (4, 4) desired camera.
        noise_px: of a sighting's own, at the goal.
        bias_px: of what changes with the view, by the change (distance over depth, rad).
        shared: size of the shared change over the noise.
        height_m: the points' extent along the line of sight.
        objects: the points are on so many small objects, each of which has a shared change of its
            own, and some err by far more than others (Student's t, three degrees); 0 for neither.
    """

    def __init__(
        self,
        seed: int = 0,
        count: int = 120,
        goal: np.ndarray = GOAL,
        noise_px: float = 0.03,
        bias_px: float = 0.1,
        shared: float = 0.3,
        height_m: float = 0.06,
        objects: int = 0,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        half = np.array([0.2, 0.15, 0.5 * height_m])
        self.points = self.rng.uniform(-half, half, (count, 3))
        self._object = np.arange(count) % max(objects, 1)
        if objects:
            self.points *= 0.25
            self.points += self.rng.uniform(-half, half, (objects, 3))[self._object]
        self.goal = goal
        self._noise, self._bias = noise_px / FOCAL, bias_px / FOCAL
        self._shared = shared
        # Few keypoints are as good as most: those on edges and on coarse texture err by far more.
        self._size = np.sqrt(3.0 / self.rng.chisquare(3.0, (count, 1))) if objects else 1.0
        self._turn = self.rng.normal(size=(count, 2, 6)) / np.sqrt(6)
        exact = self.exact(goal)
        self._own = self.rng.normal(0.0, self._noise, (count, 2)) * self._size
        self._field = self.rng.normal(0.0, shared, (max(objects, 1), 3, 2))
        self.desired = exact + self._own + self._noise * self._smooth(exact)

    def exact(self, T: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
        """(N, 2) true image of the points from a camera at ``T``."""
        local = (self.points if points is None else points) - T[:3, 3]
        local = local @ T[:3, :3]
        return local[:, :2] / local[:, 2:]

    def see(self, T: np.ndarray, points: np.ndarray | None = None) -> np.ndarray:
        """(N, 2) where a tracker finds the keypoints from ``T``."""
        exact = self.exact(T, points)
        away = se3.log(se3.inverse(self.goal) @ T)
        away[:3] /= 0.6
        change = np.abs(away).sum()
        noise = self._noise * self._size * self.rng.normal(size=exact.shape)
        looks = self._bias * (self._size * (self._turn @ away) + change * self._smooth(exact))
        return exact + noise + looks

    def matches(self, T: np.ndarray, wrong: np.ndarray | None = None) -> Correspondence:
        """All keypoints as seen from ``T``; those of the mask ``wrong`` are somewhere else."""
        seen = self.see(T)
        if wrong is not None:
            seen[wrong] = self.rng.uniform(-0.4, 0.4, (wrong.sum(), 2))
        return Correspondence(self.desired, seen, np.ones(len(seen), bool))

    def odometry(self, T: np.ndarray) -> np.ndarray:
        """What the arm measures at ``T``."""
        measured = T.copy()
        measured[:3, 3] += self.rng.normal(0.0, ODOMETRY_M, 3)
        return measured

    def _smooth(self, image: np.ndarray) -> np.ndarray:
        """(N, 2) change over the image that is constant and linear in it, of size ``shared``."""
        basis = np.column_stack([np.ones(len(image)), image / 0.2])
        return np.einsum("nf,nfc->nc", basis, self._field[self._object])


def way(T_start: np.ndarray, T_end: np.ndarray, frames: int = 40) -> list[np.ndarray]:
    """Poses from one to the other, ever slower."""
    twist = se3.log(se3.inverse(T_start) @ T_end)
    shares = 1.0 - np.exp(-4.0 * np.linspace(0.0, 1.0, frames))
    return [T_start @ se3.exp(share * twist) for share in shares / shares[-1]]


def errors(estimate: Estimate, T: np.ndarray, goal: np.ndarray) -> tuple[float, float]:
    """How far an estimate made at ``T`` is off, m and rad."""
    ours = se3.pose(se3.exp(np.r_[0.0, 0.0, 0.0, estimate.motion[3:]])[:3, :3], estimate.motion[:3])
    true = se3.inverse(T) @ goal
    return se3.translation_error_m(ours, true), np.radians(se3.rotation_error_deg(ours, true))


def follow(
    world: World, poses: list[np.ndarray], estimator: StructureEstimator | None = None
) -> StructureEstimator:
    """Let an estimator watch the way."""
    if estimator is None:
        estimator = StructureEstimator()
        estimator.start(world.desired)
    for T in poses:
        estimator.update(world.matches(T), world.odometry(T))
    return estimator
