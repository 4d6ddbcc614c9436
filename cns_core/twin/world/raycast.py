"""Exact depth along rays through convex solids, sharing nothing with the renderer."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.homogeneous import homogeneous
from cns_core.twin.world.projection import NEAR_M
from cns_core.twin.world.solid import Solid


def cast(
    solids: Iterable[Solid],
    T_sc: NDArray[np.float64],
    camera: PinholeCamera,
    pixels: NDArray[np.number],
) -> NDArray[np.float64]:
    """Exact depth along the optical axis at (N, 2) pixels, in m, inf where nothing is hit.

    Each ray is cut with the planes of every convex body; this shares nothing with :func:`render`.
    """
    rays = homogeneous(camera.normalize(pixels)) @ T_sc[:3, :3].T
    depth = np.full(len(rays), np.inf)
    for solid in solids:
        hit = _enter(solid, T_sc[:3, 3], rays)
        depth = np.minimum(depth, hit)
    return depth


def _enter(
    solid: Solid, eye: NDArray[np.float64], rays: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance along each of (N, 3) rays to where it enters the solid, inf where it does not."""
    slope = rays @ solid.normals.T
    gap = ((solid.origins - eye) * solid.normals).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = gap / slope
    enter = np.where(slope < 0, crossing, -np.inf).max(axis=1)
    leave = np.where(slope > 0, crossing, np.inf).min(axis=1)
    outside = ((slope == 0) & (gap < 0)).any(axis=1)
    if len(solid.faces) == 1:
        face = solid.faces[0]
        at = eye + np.where(np.isfinite(enter), enter, 0)[:, None] * rays - face.origin
        for edge in (face.edge_u, face.edge_v):
            outside |= abs(at @ edge / (edge @ edge) - 0.5) > 0.5
    return np.where((enter > NEAR_M) & (enter <= leave) & ~outside, enter, np.inf)
