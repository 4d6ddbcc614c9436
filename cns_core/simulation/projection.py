"""What a simulated camera sees of points: their places in the image, and which are in it."""

from __future__ import annotations

from torch import Tensor

NEAREST_M = 0.02
"""Points nearer than this before the camera are not in the image."""

_LEAST_DEPTH_M = 1e-3
_FARTHEST = 5.0
"""Bounds of what is divided by and of the result, so that points out of view stay finite."""


def project(local: Tensor, half_extent: Tensor) -> tuple[Tensor, Tensor]:
    """Project points of the camera's frame.

    Args:
        local: (..., 3) points in m, z forward.
        half_extent: (..., 2) half width and height of the image, normalized plane.

    Returns:
        (..., 2) places in the normalized plane, and (...) bool, whether they are in the image.
    """
    depth = local[..., 2:]
    place = local[..., :2] / depth.clamp_min(_LEAST_DEPTH_M)
    inside = (place.abs() < half_extent).all(dim=-1) & (depth[..., 0] > NEAREST_M)
    return place.clamp(-_FARTHEST, _FARTHEST), inside
