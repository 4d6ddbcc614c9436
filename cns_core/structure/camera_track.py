"""Follows the camera through the map: odometry, corrected by what the camera sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.rotation import rotation_vector
from cns_core.structure.localisation import Placement, localise
from cns_core.structure.point_map import PointMap
from cns_core.structure.settings import StructureSettings

FEWEST = 6
"""Points in view with which the map, or the goal, is asked at all."""
INLIER = 4.0
"""Standard deviations within which the map explains a sighting."""
_FIRST_FACTOR, _FACTORS = 0.2, (0.1, 5.0)
_TIGHTEN, _WIDEN = 0.1, 0.3
_LARGEST_RATIO = 3.0
_TELLING = 2.0
_KEEP_LENGTHS = 0.9
_LEAST_WAY = 0.01
"""Motion over the distance from which on its length is compared."""
_DOUBTED = 1.0
"""Error of odometry over the usual one from which on the map is fitted to itself."""
_LARGEST_STRETCH, _STRETCHING = 1.5, 0.2
"""Most that is believed of a comparison, and the part of it that a frame makes good."""


class CameraTrack:
    """Where the camera is in the map.

    How far odometry is trusted follows from how far the map contradicts it: little at first, more
    where the mounting is wrong or motion is told late.

    Attributes:
        T: (4, 4) pose of the camera in the map; None before the first frame.
        change: of the view since the last frame, in distances and rad.
        moved: (6,) length (m) of the last increment three times, then its angle three times.
        explained: share of the sightings of known points that the map explains.
        stretch: by how much the map should grow, as far as the last frame tells: motion through it
            was shorter than odometry has it.
    """

    def __init__(self, settings: StructureSettings) -> None:
        self.T: np.ndarray | None = None
        self.change = 1.0
        self.moved = np.zeros(6)
        self.explained = 1.0
        self._settings = settings
        self._T_odometry = np.eye(4)
        self._factor = _FIRST_FACTOR
        self.stretch = 1.0
        self._lengths = np.zeros(2)

    def follow(
        self,
        point_map: PointMap,
        seen: Correspondence,
        T_odom_camera: np.ndarray,
        noise: ArrayLike,
        distance: float,
    ) -> np.ndarray:
        """Take one frame and return the camera's pose in the map.

        Args:
            T_odom_camera: (4, 4) as odometry has it.
            noise: (N,) standard deviations of the sightings or one for all, normalized plane.
            distance: m, of the scene.
        """
        self.explained, self.stretch = 1.0, 1.0
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
                np.broadcast_to(noise, known.shape)[known],
            )
            self._adapt(placement)
            self.explained = float((placement.distance < INLIER).mean())
            through = (se3.inverse(self.T) @ placement.T)[:3, 3]
            self._compare(through, increment[:3, 3], _LEAST_WAY * distance)
            T = placement.T
        self.T = T
        return T

    def _compare(self, through: np.ndarray, told: np.ndarray, least: float) -> None:
        """Hold the last motion through the map against the one that odometry tells, both (3,) m.

        What is seen says nothing of the scale. A map that was begun with a wrong mounting, and to
        which odometry is then fitted, would keep the wrong one.
        """
        self._lengths *= _KEEP_LENGTHS
        self._lengths += through @ through, told @ told
        mapped, measured = self._lengths
        if self._factor > _DOUBTED and min(mapped, measured) > least**2:
            ratio = float(np.sqrt(measured / mapped))
            ratio = min(max(ratio, 1.0 / _LARGEST_STRETCH), _LARGEST_STRETCH)
            self.stretch = ratio**_STRETCHING

    def stretched(self) -> None:
        """Note that the map was made larger by ``stretch``."""
        self._lengths *= (self.stretch**2, 1.0)

    def _adapt(self, placement: Placement) -> None:
        if placement.telling > _TELLING:
            ratio = min(placement.odometry_error, _LARGEST_RATIO)
            speed = _WIDEN if ratio > 1.0 else _TIGHTEN
            self._factor = float(np.clip(self._factor * (1.0 + speed * (ratio - 1.0)), *_FACTORS))
