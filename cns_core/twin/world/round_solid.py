"""Solids of revolution, as many flat facets with one photograph around them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.solid import Face, Solid, textured
from cns_core.twin.world.textures import Texture, large_print

SIDES = 32
_UP = np.array([0.0, 0.0, 1.0])
AMBIENT = 0.55
"""Light on what the light does not reach."""


def brightness(normal: NDArray[np.float64], light: NDArray[np.float64]) -> float:
    """Factor on the colour of a face with (3,) ``normal`` of any length under (3,) unit light."""
    facing = float(normal @ light) / float(np.linalg.norm(normal))
    return AMBIENT + (1.0 - AMBIENT) * max(facing, 0.0)


def round_solid(
    rng: np.random.Generator,
    profile: NDArray[np.float64],
    light: NDArray[np.float64],
    texels_per_m: float,
) -> Solid:
    """An upright solid of revolution standing on z = 0.

    Args:
        profile: (K, 2) radius and height in m, from z = 0 up; convex.
        light: (3,) unit vector towards the light.
    """
    angles = 2.0 * np.pi * np.arange(SIDES) / SIDES
    circle = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(SIDES)])
    rings = [radius * circle + (0.0, 0.0, z) for radius, z in profile]
    faces = [
        textured(rng, rings[0][::-1], texels_per_m, AMBIENT, large_print),
        textured(rng, rings[-1], texels_per_m, brightness(_UP, light), large_print),
    ]
    side = _side(rng, profile, light, texels_per_m)
    heights = (profile[-1, 1] - profile[:, 1]) / profile[-1, 1]
    for (lower, upper), (bottom, top) in zip(pairwise(rings), pairwise(heights), strict=True):
        for i in range(SIDES):
            j = (i + 1) % SIDES
            loop = np.array([lower[i], lower[j], upper[j], upper[i]])
            faces.append(_facet(loop, i, (top, bottom), side))
    return Solid(faces)


def _side(
    rng: np.random.Generator,
    profile: NDArray[np.float64],
    light: NDArray[np.float64],
    texels_per_m: float,
) -> Texture:
    """The photograph around it, brighter where it looks into the light."""
    around = 2.0 * np.pi * profile[:, 0].max()
    width = max(int(np.ceil(around * texels_per_m / SIDES)), 2) * SIDES
    photo = large_print(rng, width, max(int(np.ceil(profile[-1, 1] * texels_per_m)), 8))
    angles = 2.0 * np.pi * (np.arange(width) + 0.5) / width
    towards = np.maximum(np.cos(angles) * light[0] + np.sin(angles) * light[1], 0.0)
    lit = photo * (AMBIENT + (1.0 - AMBIENT) * towards)[None, :, None]
    return Texture(cv2.convertScaleAbs(lit))


def _facet(
    loop: NDArray[np.float64], number: int, rows: tuple[float, float], side: Texture
) -> Face:
    """One facet: its share of the width of the photograph, and ``rows`` (top, bottom) of it."""
    left, right = 0.5 * (loop[0] + loop[3]), 0.5 * (loop[1] + loop[2])
    across = right - left
    down = 0.5 * (loop[0] + loop[1]) - 0.5 * (loop[2] + loop[3])
    edge_u, edge_v = SIDES * across, down / (rows[1] - rows[0])
    middle = 0.25 * loop.sum(axis=0)
    at = (number + 0.5) / SIDES, 0.5 * (rows[0] + rows[1])
    return Face(loop, middle - at[0] * edge_u - at[1] * edge_v, edge_u, edge_v, side)
