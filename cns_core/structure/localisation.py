"""Where the camera is in the map, given where odometry expects it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cns_core.geometry import se3
from cns_core.structure.projection import (
    by_twist,
    lengths,
    normal_equations,
    project,
    tukey,
    whiten,
)

_ROUNDS = 2


@dataclass(frozen=True)
class Placement:
    """Outcome of :func:`localise`.

    Attributes:
        T: (4, 4) pose of the camera in the map.
        distance: (M,) of the sightings from the map, in standard deviations.
        odometry_error: error of the expected pose over what was expected of it, from the directions
            that the sightings tell; 1 where it was as large as expected.
        telling: how many directions of six the sightings tell better than odometry.
    """

    T: np.ndarray
    distance: np.ndarray
    odometry_error: float
    telling: float


def localise(
    T_expected: np.ndarray,
    deviations: np.ndarray,
    points: np.ndarray,
    covariance: np.ndarray,
    image: np.ndarray,
    noise: ArrayLike,
) -> Placement:
    """Correct a camera's expected pose by what it sees of known points (robust Gauss-Newton).

    Args:
        T_expected: (4, 4) pose of the camera in the map.
        deviations: (6,) standard deviations of that pose, m and rad, camera frame.
        points: (M, 3) m in the map, with (M, 3, 3) ``covariance``.
        image: (M, 2) where they are seen, normalized plane.
        noise: (M,) standard deviations of the sightings or one for all, normalized plane.
    """
    T, prior = T_expected, np.diag(deviations**-2)
    own, in_map = np.square(noise), covariance.transpose(1, 2, 0)
    offset = np.zeros(6)
    distance, normal = np.zeros(len(points)), prior
    for _ in range(_ROUNDS):
        R, centre = T[:3, :3], T[:3, 3]
        local = (points - centre) @ R
        seen, by_point = project(local)
        spread = _in_image(in_map, R @ by_point.transpose(1, 2, 0), own)
        white, J = whiten(image - seen, -by_twist(local, by_point), spread)
        distance = lengths(white)
        normal, gradient = normal_equations(white, J, tukey(distance))
        normal += prior
        step = np.linalg.solve(normal, gradient - prior @ offset)
        T, offset = T @ se3.exp(step), offset + step
    telling = 6.0 - float(np.trace(prior @ np.linalg.inv(normal)))
    error = float(np.sqrt(offset @ prior @ offset / max(telling, 1e-6)))
    return Placement(T, distance, error, telling)


def _in_image(covariance: np.ndarray, by_point: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(N, 2, 2) covariance of sightings.

    Args:
        covariance: (3, 3, N) of the points, with the sightings' (2, 3, N) derivative ``by_point``.
        own: (N,) variance of the sightings, or one for all.
    """
    across = (covariance * by_point[:, None]).sum(axis=2)
    spread = (by_point[:, None] * across).sum(axis=2)
    spread[(0, 1), (0, 1)] += own
    return spread.transpose(2, 0, 1)
