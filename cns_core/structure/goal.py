"""Where the desired camera is, seen from the current one, with an honest covariance."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from cns_core.geometry import se3
from cns_core.geometry.homogeneous import homogeneous
from cns_core.structure.projection import (
    by_twist,
    columns,
    lengths,
    normal_equations,
    project,
    tukey,
    whiten,
)

_ROUNDS = 2
_RANSAC_TRIALS = 60
_STIFFNESS, _LEAST_SHARE = 1e-6, 1e-12
"""Information (1/m^2, 1/rad^2) in directions that nothing tells, and over that of all others."""
_LARGEST_STEP = 0.5
"""m and rad; farther than that the linear step means nothing."""
_SHARED_DEPTH, _LARGEST_SHARED = 0.5, 0.2
"""Part of a depth's deviation that neighbours share, and most of it, over the depth."""


@dataclass(frozen=True)
class Sightings:
    """Points of known depth that both cameras see.

    Attributes:
        current, desired: (M, 2) normalized plane.
        depth: (M,) m along the current camera's axis.
        depth_deviation: (M,) m, standard deviation of ``depth``.
    """

    current: np.ndarray
    desired: np.ndarray
    depth: np.ndarray
    depth_deviation: np.ndarray

    def chosen(self, which: np.ndarray) -> Sightings:
        """Those of an index or mask."""
        return Sightings(
            self.current[which], self.desired[which], self.depth[which], self.depth_deviation[which]
        )


@dataclass(frozen=True)
class Fit:
    """Outcome of :func:`fit_goal`.

    Covariances are (6, 6), of the pose's error as a twist from the left, m and rad.

    Attributes:
        T_goal_current: (4, 4) pose of the current camera in the desired camera's frame, m.
        independent: from each sighting's own errors, as large as they are expected.
        scatter: from each sighting's own errors, as large as its residual is (the sandwich of
            Huber and White, with a correction for the six unknowns).
        level: how large the residuals are over what is expected of them.
        by_image: from an error of the image that neighbours share, of the sightings' own size.
        by_depth: from an error of the depths that neighbours share.
        distance: (M,) of the sightings from the fit, in standard deviations.
    """

    T_goal_current: np.ndarray
    independent: np.ndarray
    scatter: np.ndarray
    level: float
    by_image: np.ndarray
    by_depth: np.ndarray
    distance: np.ndarray


def first_guess(seen: Sightings, tolerance: float) -> np.ndarray | None:
    """(4, 4) T_goal_current without a guess (SQPnP within RANSAC), or None where none is found.

    Args:
        tolerance: largest distance of a good sighting, normalized plane.
    """
    points = homogeneous(seen.current) * seen.depth[:, None]
    try:
        found, rotation, translation, _ = cv2.solvePnPRansac(
            points,
            seen.desired,
            np.eye(3),
            None,
            iterationsCount=_RANSAC_TRIALS,
            reprojectionError=tolerance,
            flags=cv2.SOLVEPNP_SQPNP,
        )
    except cv2.error:  # of points that fix no pose
        return None
    if not found or not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
        return None
    return se3.pose(cv2.Rodrigues(rotation)[0], translation.ravel())


def fit_goal(
    T_goal_current: np.ndarray, seen: Sightings, noise: ArrayLike, shared_depth: float = 0.02
) -> Fit:
    """Refine the relative pose (robust Gauss-Newton), each sighting weighted by its own noise.

    What the two views see alike says that they are one, whatever the depths are: their errors count
    by the parallax that remains, so that the way left goes to zero with the image's error.

    Args:
        T_goal_current: (4, 4) a guess.
        noise: (M,) standard deviations of the sightings' two ends together or one for all,
            normalized plane.
        shared_depth: error of the depths that neighbours share at least, over the depths.
    """
    T, rays = T_goal_current, homogeneous(seen.current)
    own = np.square(noise)
    points = rays * seen.depth[:, None]
    for n in range(_ROUNDS + 1):
        local = points @ T[:3, :3].T + T[:3, 3]
        image, by_point = project(local)
        ahead = rays @ T[:3, :3].T
        by_depth = by_point[:, 0, :1] * ahead[:, :2] + by_point[:, :, 2] * ahead[:, 2:]
        spread = _spread(own, by_depth * seen.depth_deviation[:, None])
        white, J = whiten(seen.desired - image, by_twist(local, by_point), spread)
        distance = lengths(white)
        weight = tukey(distance)
        normal, gradient = normal_equations(white, J, weight)
        normal += (_STIFFNESS + _LEAST_SHARE * np.trace(normal)) * np.eye(6)
        inverse = np.linalg.inv(normal)
        if n < _ROUNDS:
            step = inverse @ gradient
            T = se3.exp(step / max(np.linalg.norm(step) / _LARGEST_STEP, 1.0)) @ T
    changes = np.zeros((len(image), 2, 3), order="F")
    changes[:, 0, 0] = changes[:, 1, 1] = noise
    own = _SHARED_DEPTH * np.minimum(seen.depth_deviation, _LARGEST_SHARED * seen.depth)
    changes[:, :, 2] = by_depth * np.hypot(shared_depth * seen.depth, own)[:, None]
    response = inverse @ _pull(
        J * weight[:, None, None], whiten(white, changes, spread)[1], seen.desired
    )
    in_image, in_depth = response[:, :6], response[:, 6:]
    scatter, level = _residual_errors(inverse, J, white, weight)
    by_image, by_depth_error = in_image @ in_image.T, in_depth @ in_depth.T
    return Fit(T, inverse, scatter, level, by_image, by_depth_error, distance)


def _spread(variance: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(N, 2, 2) covariance of sightings of a (N,) variance, or one for all, and errors along (N, 2)
    ``moved``."""
    spread = np.empty((len(moved), 2, 2), order="F")
    np.multiply(moved[:, :, None], moved[:, None, :], out=spread)
    for axis in range(2):
        spread[:, axis, axis] += variance
    return spread


def _residual_errors(
    inverse: np.ndarray, J: np.ndarray, white: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """``scatter`` and ``level`` of :class:`Fit`.

    Args:
        inverse: (6, 6) of the normal matrix.
        J, white: (N, 2, 6) and (N, 2), in standard deviations, with (N,) ``weight``.
    """
    error = white * weight[:, None]
    pull = J[:, 0] * error[:, :1] + J[:, 1] * error[:, 1:]
    count = 2 * len(white)
    scatter = inverse @ (pull.T @ pull) @ inverse * count / max(count - 6, 1)
    squared = weight @ np.square(white).sum(axis=1) / max(2.0 * weight.sum(), 1e-9)
    return scatter, float(np.sqrt(squared))


def _pull(weighted: np.ndarray, changes: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(6, 3 M) gradient by M changes of the sightings that are constant or linear over the image.

    What neighbours share looks like a motion of the camera and does not average out.

    Args:
        weighted: (N, 2, 6) and ``changes``: (N, 2, M), both in standard deviations.
        image: (N, 2) where, normalized plane.
    """
    centred = image - image.mean(axis=0)
    fields = np.column_stack([np.ones(len(image)), centred / (centred.std(axis=0) + 1e-9)])
    varied = changes[:, :, :, None] * fields[:, None, None, :]
    return columns(weighted).T @ columns(varied.reshape(*changes.shape[:2], -1))
