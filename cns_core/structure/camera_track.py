"""Follows the camera through the map: odometry, corrected by what the camera sees."""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.structure.localisation import Placement, localise
from cns_core.structure.point_map import PointMap
from cns_core.structure.rotation import rotation_vector
from cns_core.structure.settings import StructureSettings

FEWEST = 6
"""Points in view with which the map, or the goal, is asked at all."""
INLIER = 4.0
"""Standard deviations within which the map explains a sighting."""
_FIRST_FACTOR, _FACTORS = 0.2, (0.1, 5.0)
_TIGHTEN, _WIDEN = 0.1, 0.3
_LARGEST_RATIO = 3.0
_TELLING = 2.0


class CameraTrack:
    """Where the camera is in the map.

    How far odometry is trusted follows from how far the map contradicts it: little at first, more
    where the mounting is wrong or motion is told late.

    Attributes:
        T: (4, 4) pose of the camera in the map; None before the first frame.
        change: of the view since the last frame, in distances and rad.
        moved: (6,) length (m) of the last increment three times, then its angle three times.
        explained: share of the sightings of known points that the map explains.
    """

    def __init__(self, settings: StructureSettings) -> None:
        self.T: np.ndarray | None = None
        self.change = 1.0
        self.moved = np.zeros(6)
        self.explained = 1.0
        self._settings = settings
        self._T_odometry = np.eye(4)
        self._factor = _FIRST_FACTOR

    def follow(
        self,
        point_map: PointMap,
        seen: Correspondence,
        T_odom_camera: np.ndarray,
        noise: float,
        distance: float,
    ) -> np.ndarray:
        """Take one frame and return the camera's pose in the map.

        Args:
            T_odom_camera: (4, 4) as odometry has it.
            noise: standard deviation of a sighting, normalized plane.
            distance: m, of the scene.
        """
        self.explained = 1.0
        if self.T is None:
            self.T, self._T_odometry = T_odom_camera, T_odom_camera
            return self.T
        increment = se3.inverse(self._T_odometry) @ T_odom_camera
        self._T_odometry = T_odom_camera
        length = float(np.linalg.norm(increment[:3, 3]))
        angle = float(np.linalg.norm(rotation_vector(increment[:3, :3])))
        self.change = length / distance + angle
        self.moved = np.repeat([length, angle], 3)
        T = self.T @ increment
        known = seen.matched & point_map.known(T[:3, 3])
        if known.sum() >= FEWEST:
            s = self._settings
            deviation = self._factor * (s.odometry_share * self.change + s.odometry_floor)
            placement = localise(
                T,
                np.repeat([deviation * distance, deviation], 3),
                point_map.points[known],
                point_map.covariance(known, T[:3, 3]),
                seen.current[known],
                noise,
            )
            self._adapt(placement)
            self.explained = float((placement.distance < INLIER).mean())
            T = placement.T
        self.T = T
        return T

    def _adapt(self, placement: Placement) -> None:
        if placement.telling > _TELLING:
            ratio = min(placement.odometry_error, _LARGEST_RATIO)
            speed = _WIDEN if ratio > 1.0 else _TIGHTEN
            self._factor = float(np.clip(self._factor * (1.0 + speed * (ratio - 1.0)), *_FACTORS))
