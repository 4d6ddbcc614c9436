"""The motion between two views from matches alone, in units of the scene's distance."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.bench.loop.environments import MATCH_TOLERANCE
from cns_core.geometry.homogeneous import homogeneous
from cns_core.geometry.two_views import fit_two_views

FEWEST = 8
"""Matches without which no motion is sought."""
_PLANAR_SHARE = 0.9
_NO_PARALLAX = 1e-6


@dataclass(frozen=True)
class ScaledMotion:
    """What takes points of the desired camera to the current one: ``x_c ~ Z R x_d + t``.

    Attributes:
        R: (3, 3).
        t: (3,) in medians of the matched keypoints' depths in the desired view.
        ratios: (K,) depth in the current over depth in the desired view, of every match.
    """

    R: NDArray[np.float64]
    t: NDArray[np.float64]
    ratios: NDArray[np.float64]


def scaled_motion(
    desired: NDArray[np.float64], current: NDArray[np.float64]
) -> ScaledMotion | None:
    """The motion that explains (K, 2) matches of the normalized plane, None if none does.

    From the homography where it explains nearly as many matches as the essential matrix: before a
    plane, and near the goal, where no parallax is left (Malis, Chaumette and Boudet 1999).
    """
    seen = fit_two_views(desired, current, MATCH_TOLERANCE, _PLANAR_SHARE)
    if seen.homography is not None:
        return _from_homography(seen.homography, desired, seen.agree)
    if seen.essential is None:
        return None
    mask = seen.agree.astype(np.uint8)[:, None]
    _, turn, way, _ = cv2.recoverPose(seen.essential, desired, current, np.eye(3), mask=mask)
    R, t = np.asarray(turn, dtype=float), np.asarray(way, dtype=float)[:, 0]
    return _triangulated(R, t, desired, current, seen.agree)


def _from_homography(
    H: NDArray[np.float64], desired: NDArray[np.float64], agree: NDArray[np.bool_]
) -> ScaledMotion:
    """Of the decompositions with the plane in front, the one whose plane faces the camera most."""
    count, rotations, translations, normals = cv2.decomposeHomographyMat(H, np.eye(3))
    rays = homogeneous(desired)
    in_front = [np.mean(rays[agree] @ normals[i] > 0) for i in range(count)]
    best = max(range(count), key=lambda i: (round(float(in_front[i]), 1), normals[i][2, 0]))
    R = np.asarray(rotations[best], dtype=float)
    t, normal = (np.asarray(part[best], dtype=float)[:, 0] for part in (translations, normals))
    nearness = np.clip(rays @ normal, 1e-3, None)  # the plane's distance over the point's depth
    ratios = rays @ R[2] + t[2] * nearness
    return ScaledMotion(R, t * float(np.median(nearness[agree])), ratios)


def _triangulated(
    R: NDArray[np.float64],
    t: NDArray[np.float64],
    desired: NDArray[np.float64],
    current: NDArray[np.float64],
    agree: NDArray[np.bool_],
) -> ScaledMotion | None:
    """Depths in both views from a baseline of length one; None without parallax."""
    turned = homogeneous(desired) @ R.T
    rays = homogeneous(current)
    # Z_c ray - Z_d turned = t, in least squares for each match.
    aa, bb = (rays * rays).sum(axis=1), (turned * turned).sum(axis=1)
    ab, at, bt = (rays * turned).sum(axis=1), rays @ t, turned @ t
    determinant = aa * bb - ab**2
    usable = agree & (determinant > _NO_PARALLAX * aa * bb)
    with np.errstate(divide="ignore", invalid="ignore"):
        now = (bb * at - ab * bt) / determinant
        then = (ab * at - aa * bt) / determinant
    usable &= (now > 0) & (then > 0)
    if usable.sum() < FEWEST:
        return None
    ratios = np.ones(len(desired))
    ratios[usable] = now[usable] / then[usable]
    return ScaledMotion(R, t / float(np.median(then[usable])), ratios)
