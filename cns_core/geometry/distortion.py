"""Lens distortion on the normalized plane, and its inverse: iterated until it has converged.

A polynomial fitted to an image holds where the lens was seen. Further out it folds back, so that
two directions share a pixel; there is no inverse from the fold on, and this says so with NaN.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.homogeneous import homogeneous

Points = NDArray[np.float64]

_TABLE = 2000
"""Radii at which the radial part is tabulated, for a first guess."""
_STEPS = 20
_SETTLED, _ACCEPTED = 1e-11, 1e-7
"""Step after which the search ends, and largest residual that counts: 2e-4 px at a focal length of
2000 px."""
_WIDEST_RAD = np.radians(85.0)
"""Directions further from the axis have no useful place on the normalized plane."""


class Lens(Protocol):
    """What bends the rays of a camera."""

    def distort(self, points: Points) -> Points:
        """Where (N, 2) ideal points come to lie, both on the normalized plane."""

    def undistort(self, points: Points) -> Points:
        """Ideal (N, 2) points of distorted ones; NaN where there are none."""


class BrownConrady:
    """OpenCV's model of 4, 5, 8, 12 or 14 coefficients: radial, tangential, thin prism, tilt.

    Args:
        coefficients: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [tx ty]]]].
    """

    @np.errstate(all="ignore")
    def __init__(self, coefficients: tuple[float, ...]) -> None:
        all_14 = np.zeros(14)
        all_14[: len(coefficients)] = coefficients
        k1, k2, self._p1, self._p2, k3, k4, k5, k6 = all_14[:8]
        self._prism = all_14[8:12]
        self._given = np.array(coefficients)
        # In the squared radius, highest power first.
        self._over, self._under = np.array([k3, k2, k1, 1.0]), np.array([k6, k5, k4, 1.0])
        self._slope_over, self._slope_under = np.polyder(self._over), np.polyder(self._under)
        self._untilt = np.linalg.inv(_tilt(*all_14[12:]))
        self._largest = min(self._fold(), float(np.tan(_WIDEST_RAD)))
        self._radii = np.linspace(0.0, self._largest, _TABLE)
        self._bent = self._radii * self._gain(self._radii**2)

    def distort(self, points: Points) -> Points:
        rays = homogeneous(points)
        zero = np.zeros(3)
        bent, _ = cv2.projectPoints(rays, zero, zero, np.eye(3), self._given)
        return np.asarray(bent[:, 0], dtype=float)

    @np.errstate(all="ignore")  # what is not finite has no inverse
    def undistort(self, points: Points) -> Points:
        goal = homogeneous(points) @ self._untilt.T
        goal = goal[:, :2] / goal[:, 2:]
        bent = np.linalg.norm(goal, axis=1)
        radius = np.interp(bent, self._bent, self._radii)
        found = goal * (radius / np.where(bent > 0.0, bent, 1.0))[:, None]
        for _ in range(_STEPS):
            value, jacobian, area = self._bend(found)
            moved = self._inside(found + _solve(jacobian, goal - value, area))
            settled = np.abs(moved - found).max() < _SETTLED
            found = moved
            if settled:
                break
        value, _, area = self._bend(found)
        true = (np.abs(goal - value).max(axis=1) < _ACCEPTED) & (area > 0.0)
        true &= np.linalg.norm(found, axis=1) < self._largest
        return np.where(true[:, None], found, np.nan)

    def _fold(self) -> float:
        """The smallest radius at which the radial part stops growing; inf for none."""
        slope: Points = np.polysub(
            np.polymul(self._slope_over, self._under), np.polymul(self._over, self._slope_under)
        )
        growth = np.polyadd(np.polymul(self._over, self._under), np.polymul([2.0, 0.0], slope))
        roots = np.concatenate([np.roots(growth), np.roots(self._under)])
        real = roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0.0)]
        return float(np.sqrt(real.min())) if len(real) else float("inf")

    def _gain(self, squared: Points) -> Points:
        return np.polyval(self._over, squared) / np.polyval(self._under, squared)

    def _bend(self, points: Points) -> tuple[Points, tuple[Points, ...], Points]:
        """Value (N, 2) without tilt, the four entries of its Jacobian, and its determinant."""
        x, y = points.T
        p1, p2, (s1, s2, s3, s4) = self._p1, self._p2, self._prism
        rr = x * x + y * y
        under = np.polyval(self._under, rr)
        gain = np.polyval(self._over, rr) / under
        slope = np.polyval(self._slope_over, rr) - gain * np.polyval(self._slope_under, rr)
        slope = 2.0 * slope / under
        value = np.column_stack(
            [
                x * gain + 2.0 * p1 * x * y + p2 * (rr + 2.0 * x * x) + rr * (s1 + s2 * rr),
                y * gain + p1 * (rr + 2.0 * y * y) + 2.0 * p2 * x * y + rr * (s3 + s4 * rr),
            ]
        )
        across = x * y * slope + 2.0 * (p1 * x + p2 * y)
        prism_x, prism_y = 2.0 * (s1 + 2.0 * s2 * rr), 2.0 * (s3 + 2.0 * s4 * rr)
        xx = gain + x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x + x * prism_x
        yy = gain + y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x + y * prism_y
        xy, yx = across + y * prism_x, across + x * prism_y
        return value, (xx, xy, yx, yy), xx * yy - xy * yx

    def _inside(self, points: Points) -> Points:
        """The points, drawn in to where the radial part grows: beyond, a step leads astray."""
        radius = np.linalg.norm(points, axis=1)
        return points * np.minimum(1.0, self._largest / np.maximum(radius, 1e-12))[:, None]


class Equidistant:
    """The fisheye model of Kannala and Brandt as OpenCV and ROS have it, with four coefficients.

    Args:
        coefficients: k1 k2 k3 k4 of the angle's odd powers from the third on.
    """

    @np.errstate(all="ignore")
    def __init__(self, coefficients: tuple[float, ...]) -> None:
        self._powers = np.array([*coefficients[::-1], 1.0])
        odd = self._powers * np.arange(9, 0, -2)
        roots = np.roots(odd)
        real = roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0.0)]
        fold = np.sqrt(real.min()) if len(real) else np.inf
        self._slope = odd
        self._largest = min(fold, _WIDEST_RAD)
        self._angles = np.linspace(0.0, self._largest, _TABLE)
        self._bent = self._bend(self._angles)

    def distort(self, points: Points) -> Points:
        radius = np.linalg.norm(points, axis=1)
        gain = self._bend(np.arctan(radius)) / np.where(radius > 0.0, radius, 1.0)
        return points * np.where(radius > 0.0, gain, 1.0)[:, None]

    @np.errstate(all="ignore")
    def undistort(self, points: Points) -> Points:
        bent = np.linalg.norm(points, axis=1)
        angle = np.interp(bent, self._bent, self._angles)
        for _ in range(_STEPS):
            slope = np.maximum(np.polyval(self._slope, angle**2), 1e-9)
            moved = angle + (bent - self._bend(angle)) / slope
            moved = np.clip(moved, 0.0, self._largest)
            settled = np.abs(moved - angle).max() < _SETTLED
            angle = moved
            if settled:
                break
        true = (np.abs(bent - self._bend(angle)) < _ACCEPTED) & (angle < self._largest)
        gain = np.tan(angle) / np.where(bent > 0.0, bent, 1.0)
        found = points * np.where(bent > 0.0, gain, 1.0)[:, None]
        return np.where(true[:, None], found, np.nan)

    def _bend(self, angle: Points) -> Points:
        return angle * np.polyval(self._powers, angle**2)


def _solve(jacobian: tuple[Points, ...], gap: Points, area: Points) -> Points:
    """Newton's step (N, 2), of length 0 where the Jacobian says nothing."""
    xx, xy, yx, yy = jacobian
    dx, dy = gap.T
    clear = np.abs(area) > 1e-12
    safe = np.where(clear, area, 1.0)
    step = np.column_stack([yy * dx - xy * dy, xx * dy - yx * dx]) / safe[:, None]
    return np.where(clear[:, None], step, 0.0)


def _tilt(x_rad: float, y_rad: float) -> Points:
    """(3, 3) homography of a tilted sensor, as OpenCV has it."""
    cx, sx, cy, sy = np.cos(x_rad), np.sin(x_rad), np.cos(y_rad), np.sin(y_rad)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, sx], [0.0, -sx, cx]])
    about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    turn = about_y @ about_x
    x, y, z = turn[:, 2]
    return np.array([[z, 0.0, -x], [0.0, z, -y], [0.0, 0.0, 1.0]]) @ turn
