"""Where episodes begin and end: camera poses about a scene, in sections by initial rotation."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3

SECTIONS = {"S": (5.0, 40.0), "M": (45.0, 90.0), "L": (95.0, 180.0)}
"""Bounds of the initial rotation in degrees; the means come near the paper's 24, 67 and 136."""

AFFINE_SECTION = {"A": (5.0, 70.0)}
"""The paper's E_affine has one section, 45 deg and 285 mm on average."""

PHOTO_SECTIONS = {"S": (10.0, 35.0), "M": (35.0, 60.0)}
"""Of `stereo` and `cards`."""

REACH, AFFINE_REACH = (0.85, 1.35), (0.85, 1.7)
"""Least and largest distance of the start from the scene over the goal's."""


def draw_poses(
    rng: np.random.Generator,
    bounds_deg: tuple[float, float],
    aim_off_deg: float = 0.0,
    reach: tuple[float, float] = REACH,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a goal and a start, (4, 4) camera poses in a scene frame with z up.

    The goal is 0.45 to 0.7 m from the origin and 0 to 20 deg off the vertical. The start looks at
    the scene from up to 35 deg aside, nearer or farther, turned about the optical axis.

    Args:
        bounds_deg: least and largest angle between the two orientations.
        aim_off_deg: how far the goal looks past the origin.
        reach: least and largest distance of the start over the goal's.
    """
    while True:
        goal = looking_at_origin(rng, rng.uniform(0.0, 20.0), rng.uniform(0.45, 0.7))
        goal = goal @ se3.pose(_tilt(rng, aim_off_deg))
        start = _start(rng, goal, bounds_deg, reach)
        if start is not None:
            return goal, start


def draw_start(
    rng: np.random.Generator,
    goal: np.ndarray,
    bounds_deg: tuple[float, float],
    reach: tuple[float, float] = REACH,
) -> np.ndarray:
    """Draw a start as :func:`draw_poses` does, for a (4, 4) ``goal`` that is given."""
    while True:
        start = _start(rng, goal, bounds_deg, reach)
        if start is not None:
            return start


def _start(
    rng: np.random.Generator,
    goal: np.ndarray,
    bounds_deg: tuple[float, float],
    reach: tuple[float, float],
) -> np.ndarray | None:
    """One draw; None where it is out of bounds or too near the ground."""
    low, high = bounds_deg
    aside = Rotation.from_rotvec(np.radians(rng.uniform(0.0, 35.0)) * horizontal(rng))
    start = se3.pose(aside) @ goal
    start[:3, 3] *= rng.uniform(*reach)
    roll = rng.choice([-1.0, 1.0]) * rng.uniform(low, high)
    aim = Rotation.from_euler("xyz", [*rng.uniform(-6, 6, 2), roll], degrees=True)
    start = start @ se3.pose(aim)
    fits = low <= se3.rotation_error_deg(goal, start) < high and start[2, 3] > 0.3
    return start if fits else None


def looking_at_origin(
    rng: np.random.Generator, off_vertical_deg: float, distance_m: float
) -> np.ndarray:
    """A camera looking at the origin from above, turned about its axis at random."""
    turn = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi))
    lean = Rotation.from_rotvec(np.radians(off_vertical_deg) * horizontal(rng))
    R = (lean * turn * Rotation.from_euler("x", np.pi)).as_matrix()
    return se3.pose(R, -distance_m * R[:, 2])


def _tilt(rng: np.random.Generator, angle_deg: float) -> Rotation:
    """A turn about a random axis across the optical axis."""
    return Rotation.from_rotvec(np.radians(angle_deg) * horizontal(rng))


def horizontal(rng: np.random.Generator) -> np.ndarray:
    """(3,) unit vector in the x-y plane, drawn uniformly."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle), 0.0])
