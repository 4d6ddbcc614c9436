"""The way to the goal in metres, from keypoints and the camera's own motion."""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous
from cns_core.structure.camera_track import FEWEST, CameraTrack
from cns_core.structure.estimate import Estimate, straight_motion
from cns_core.structure.goal import Fit, Sightings
from cns_core.structure.goal_track import GoalTrack
from cns_core.structure.point_map import PointMap
from cns_core.structure.projection import NEAREST_M, median
from cns_core.structure.settings import StructureSettings

_LEAST_EXPLAINED = 0.5
_PATIENCE_FRAMES = 5
_SLOW, _BAD, _BAD_FRAMES = 4e-3, 5.0, 15
"""Change of view a frame in which poses and shutter are right; residuals of the goal over what is
expected of them that then speak against the map; and frames for which they may."""
_NEW_VIEW = 2e-3
"""Change of view between frames that makes a sighting fully new."""
_FIRST_DISTANCE_M = 0.5
_LEAST_REACH_M = 2e-3
"""Motion without which no scale is known: what is less can be an odometry's noise."""
_FIRST_CHANGE, _LARGEST_CHANGE = 1.0, 3.0
_UNKNOWN_SHARE = 0.5
"""Deviation of a depth that is only guessed, over the depth."""


class StructureEstimator:
    """Triangulates the desired keypoints while the camera moves and finds the goal among them.

    All poses are in the frame of the odometry given, which may drift: what is estimated is
    the goal seen from the current camera.

    Args:
        settings: noise model and memory.

    Attributes:
        estimate: the last :class:`Estimate`, None while there is none.
    """

    def __init__(self, settings: StructureSettings | None = None) -> None:
        self.settings = settings or StructureSettings()
        self._desired = np.zeros((0, 2))
        self.forget()

    def start(self, desired: np.ndarray) -> None:
        """Begin an episode towards (N, 2) desired keypoints, normalized plane."""
        self._desired = np.asarray(desired, dtype=float)
        self.forget()

    def forget(self) -> None:
        """Drop the map: the scene, or what is known of the camera's place in it, has changed."""
        self.estimate: Estimate | None = None
        self._map = PointMap(len(self._desired), self.settings.memory_frames)
        self._camera = CameraTrack(self.settings)
        self._goal = GoalTrack(self.settings)
        self._scale = _FIRST_DISTANCE_M
        self._unexplained = self._bad = 0
        self._start: np.ndarray | None = None
        self._reach_m = 0.0

    @property
    def points(self) -> np.ndarray:
        """(M, 3) m, the points whose place is known, in the current camera's frame."""
        T = self._camera.T
        if T is None:
            return np.zeros((0, 3))
        return (self._map.points[self._map.known(T[:3, 3])] - T[:3, 3]) @ T[:3, :3]

    def update(self, correspondence: Correspondence, T_odom_camera: np.ndarray) -> Estimate | None:
        """Take one frame and return what is known of the way to the goal, None if too little.

        Args:
            correspondence: over the keypoints given to :meth:`start`.
            T_odom_camera: (4, 4) measured pose of the camera when the image was taken.

        Raises:
            ValueError: as :func:`cns_core.geometry.se3.rigid`.
        """
        T_odom_camera = se3.rigid(T_odom_camera)
        noise = self.learn(correspondence, T_odom_camera)
        explains = self._camera.explained >= _LEAST_EXPLAINED
        self._unexplained = 0 if explains else self._unexplained + 1
        if self._unexplained >= _PATIENCE_FRAMES:
            self.forget()
            return None
        self.estimate = self._find_goal(correspondence, noise) if explains else None
        if self._contradicted():
            self.forget()
            return None
        if self.estimate is None:
            self._goal.lose()
        return self.estimate

    def _contradicted(self) -> bool:
        """Whether the goal has long spoken against the map while the camera was slow.

        Made of a fast turn with a rolling shutter, or of a wrong pose, a map can explain every view
        of the way and be wrong all the same.
        """
        bad = self._camera.change < _SLOW and self._goal.factor > _BAD
        self._bad = self._bad + 1 if bad else 0
        return self._bad > _BAD_FRAMES

    def learn(self, correspondence: Correspondence, T_odom_camera: np.ndarray) -> np.ndarray:
        """Take one frame into the map alone, in half the time of :meth:`update`.

        Returns:
            (N,) standard deviations of the sightings, normalized plane.
        """
        noise = self._noise(correspondence)
        T = self._camera.follow(self._map, correspondence, T_odom_camera, noise, self._scale)
        self._stretch(T[:3, 3])
        self._reach(T_odom_camera[:3, 3])
        rays = homogeneous(correspondence.current) @ T[:3, :3].T
        # Last, for no rotation is exact: what a ray is too long looks like knowledge along it.
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        newness = min(self._camera.change / _NEW_VIEW, 1.0)
        self._map.observe(T[:3, 3], rays, correspondence.matched, noise, self._scale, newness)
        return noise

    def _reach(self, centre: np.ndarray) -> None:
        """Note how far the camera came from where the map was begun, as odometry has it."""
        if self._start is None:
            self._start = centre
        self._reach_m = max(self._reach_m, float(np.linalg.norm(centre - self._start)))

    def _stretch(self, centre: np.ndarray) -> None:
        """Let all that is a length follow the scale that odometry tells."""
        factor = self._camera.stretch
        if factor != 1.0:
            self._map.stretch(factor, centre)
            self._goal.stretch(factor, centre)
            self._camera.stretched()
            self._scale *= factor

    def _noise(self, seen: Correspondence) -> np.ndarray:
        """(N,) of the sightings: it grows with the distance to the goal, where patches look
        different. The level is found from the residuals; what the observer states of each keypoint
        tells the proportions.
        """
        change = _FIRST_CHANGE
        if self.estimate is not None:
            change = self.estimate.translation_m / self.estimate.scale
            change += 0.5 * self.estimate.rotation_rad
        s = self.settings
        change = min(change, _LARGEST_CHANGE)
        usual = self._goal.factor * np.hypot(s.noise_floor, s.noise_per_change * change)
        share = np.ones(len(seen.matched))
        told = np.isfinite(seen.deviation)
        if told.any():
            share[told] = seen.deviation[told] / median(seen.deviation[told])
        return usual * np.hypot(1.0, share) / np.sqrt(2.0)

    def _find_goal(self, seen: Correspondence, noise: np.ndarray) -> Estimate | None:
        T = self._camera.T
        if T is None or self._reach_m < _LEAST_REACH_M:
            return None
        which = np.flatnonzero(seen.matched)
        depth = (self._map.points[which] - T[:3, 3]) @ T[:3, 2]
        known = self._map.known(T[:3, 3])[which] & (depth > NEAREST_M)
        if known.sum() < FEWEST:
            return None
        sightings = self._sightings(seen, which, T, np.where(known, depth, np.nan))
        found = self._goal.find(sightings, known, T, noise[which])
        return None if found is None else self._describe(*found, sightings)

    def _sightings(
        self, seen: Correspondence, which: np.ndarray, T: np.ndarray, depth: np.ndarray
    ) -> Sightings:
        """All matches; what has no depth (nan) yet is taken for as far away as the others."""
        axis, known = T[:3, 2], np.isfinite(depth)
        covariance = self._map.covariance(which, T[:3, 3])
        variance = covariance.reshape(-1, 9) @ np.outer(axis, axis).ravel()
        spread = np.sqrt(np.maximum(variance, 0.0))
        usual = median(depth[known])
        return Sightings(
            seen.current[which],
            self._desired[which],
            np.where(known, depth, usual),
            np.where(known, spread, _UNKNOWN_SHARE * usual),
        )

    def _describe(self, fit: Fit, inliers: np.ndarray, seen: Sightings) -> Estimate:
        s = self.settings
        T_current_goal = se3.inverse(fit.T_goal_current)
        R = T_current_goal[:3, :3]
        motion = straight_motion(T_current_goal)
        turn, moved = np.kron(np.eye(2), R), self._camera.moved
        good = int(inliers.sum())
        expected = s.inflation**2 * fit.independent + s.shared_noise**2 * fit.by_image
        expected = expected + fit.by_depth
        expected = turn @ expected @ turn.T + np.diag(np.square(s.timing_share * moved))
        # Few points choose their own weights, and stand together more often than apart.
        found = (1.0 + s.few_points / good) ** 2 * fit.scatter + fit.by_depth
        found = found + (s.found_shared_noise * fit.level) ** 2 * fit.by_image
        found = turn @ found @ turn.T + np.diag(np.square(s.found_timing_share * moved))
        points = homogeneous(seen.current[inliers]) * seen.depth[inliers, None]
        local = points @ fit.T_goal_current[:3, :3].T + fit.T_goal_current[:3, 3]
        self._scale = float(np.linalg.norm(local.mean(axis=0)))
        share = median(seen.depth_deviation[inliers] / seen.depth[inliers])
        deviation = self._scale * float(np.hypot(share, s.shared_depth))
        explained = self._camera.explained
        agreeing = good / len(seen.depth)
        return Estimate(motion, found, self._scale, deviation, good, explained, expected, agreeing)
