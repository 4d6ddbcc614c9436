"""Few objects on a bare table: what hides behind edges, and edges that are no fixed points.

After the E_render of the CNS authors: 8 to 12 objects with photographs on their faces, boxes and
round ones, on a plane of one or two colours, lit from one side.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.twin.world.round_solid import brightness, round_solid
from cns_core.twin.world.scene import Rendered, spots
from cns_core.twin.world.solid import Solid, sheet, textured
from cns_core.twin.world.textures import large_print

TABLE_M = 2.0
_TABLE_TEXELS = 2000
_TEXELS_PER_M = 1600.0
_SHADOW, _PENUMBRA_M = 0.45, 0.004
"""Light that a shadow takes, and the standard deviation of its border."""
_SUBPIXEL_BITS = 4
_SLIM = 0.75
"""Radius of an object over that of the disc it has for itself."""


class Tabletop(Rendered):
    """Seeded objects on a bare table with their shadows.

    Args:
        seed: int; the same seed gives the same scene.
        antialiased: as of :func:`.render`.

    Attributes:
        cover: (H, W, 3) float32 BGR of the table without shadows.
        light: (3,) unit vector towards the light.
    """

    def __init__(self, seed: int, antialiased: bool = True) -> None:
        rng = np.random.default_rng(seed)
        light = _draw_light(rng)
        cover = _cover(rng)
        things = [_place(rng, spot, light) for spot in spots(rng, int(rng.integers(8, 13)))]
        self.cover, self.light = cover, light
        background = tuple(rng.integers(30, 120, 3).tolist())
        super().__init__([_table(cover, things, light), *things], background, antialiased)

    def with_moved(self, number: int, offset_m: ArrayLike) -> Rendered:
        """The same with solid ``number`` (from 1 on), and its shadow, moved by (3,) m."""
        _, *things = super().with_moved(number, offset_m).solids
        table = _table(self.cover, things, self.light)
        return Rendered([table, *things], self.background, self.antialiased)


def _draw_light(rng: np.random.Generator) -> NDArray[np.float64]:
    """(3,) unit vector towards the light, 25 to 50 deg off the vertical."""
    lean = Rotation.from_euler("y", rng.uniform(25.0, 50.0), degrees=True)
    turn = Rotation.from_euler("z", rng.uniform(0.0, 2.0 * np.pi))
    return np.asarray((turn * lean).as_matrix()[:, 2])


def _cover(rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 3) BGR of the table: one colour, or two that meet in a line across it."""
    first, second = rng.uniform(90.0, 220.0, (2, 3)).astype(np.float32)
    cover = np.tile(first, (_TABLE_TEXELS, _TABLE_TEXELS, 1))
    if rng.random() < 0.5:
        angle, offset = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-0.1, 0.1) * _TABLE_TEXELS
        y, x = np.indices(cover.shape[:2]) - 0.5 * _TABLE_TEXELS
        beyond = np.clip(np.cos(angle) * x + np.sin(angle) * y - offset + 0.5, 0.0, 1.0)
        cover += beyond[:, :, None].astype(np.float32) * (second - first)
    return cover


def _table(
    cover: NDArray[np.float32], things: Sequence[Solid], light: NDArray[np.float64]
) -> Solid:
    """The table with the shadows that convex things throw on it."""
    shadow = np.zeros(cover.shape[:2], np.uint8)
    for thing in things:
        foot = thing.vertices - thing.vertices[:, 2:] / light[2] * light
        texels = (foot[:, :2] / TABLE_M * (1.0, -1.0) + 0.5) * _TABLE_TEXELS - 0.5
        hull = cv2.convexHull(texels.astype(np.float32))[:, 0]
        fixed = np.rint(hull * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(shadow, fixed, 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    soft = cv2.GaussianBlur(
        shadow.astype(np.float32) / 255.0, (0, 0), _PENUMBRA_M / TABLE_M * _TABLE_TEXELS
    )
    image = cover * (1.0 - _SHADOW * soft[:, :, None])
    return sheet(TABLE_M, TABLE_M, np.rint(image).astype(np.uint8))


def _place(rng: np.random.Generator, spot: Sequence[float], light: NDArray[np.float64]) -> Solid:
    """A box or a round thing inside its disc (x, y, radius), standing upright."""
    x, y, radius = spot
    radius *= _SLIM
    height = rng.uniform(0.02, 0.09) if rng.random() < 0.6 else rng.uniform(0.09, 0.2)
    if rng.random() < 0.4:
        solid = round_solid(rng, _profile(rng, 0.85 * radius, height), light, _TEXELS_PER_M)
    else:
        solid = _box(rng, radius, height, light)
    return solid.at(se3.pose(translation=(x, y, 0.0)))


def _profile(rng: np.random.Generator, radius: float, height: float) -> NDArray[np.float64]:
    """(K, 2) radius and height of a cylinder, a cone cut off, or a belly."""
    kind = rng.integers(3)
    if kind == 0:
        return np.array([[radius, 0.0], [radius, height]])
    if kind == 1:
        return np.array([[radius, 0.0], [radius * rng.uniform(0.5, 0.8), height]])
    at = np.linspace(-1.0, 1.0, 6)
    belly = radius * np.sqrt(1.0 - rng.uniform(0.4, 0.75) * at**2)
    return np.column_stack([belly, 0.5 * height * (at + 1.0)])


def _box(
    rng: np.random.Generator, radius: float, height: float, light: NDArray[np.float64]
) -> Solid:
    """An upright box inscribed in the disc."""
    half, turn = rng.uniform(0.4, 0.8), rng.uniform(0.0, 2.0 * np.pi)
    angles = turn + np.array([-half, half, np.pi - half, np.pi + half])
    base = np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros(4)])
    top = base + (0.0, 0.0, height)
    after = np.roll(np.arange(4), -1)
    loops = [base[::-1], top]
    loops += [np.array([base[i], base[j], top[j], top[i]]) for i, j in enumerate(after)]
    normals = [np.cross(loop[1] - loop[0], loop[2] - loop[0]) for loop in loops]
    return Solid(
        textured(rng, loop, _TEXELS_PER_M, brightness(normal, light), large_print)
        for loop, normal in zip(loops, normals, strict=True)
    )
