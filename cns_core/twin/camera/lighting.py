"""Light in a cell: a lamp that glossy surfaces mirror and whose light the arm takes away."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.homogeneous import homogeneous
from cns_core.twin.camera.cells import Cells
from cns_core.twin.world.render import Surfaces
from cns_core.twin.world.textures import Texture

_FINE_PX, _COARSE_PX = 4, 8
_LAMP_M, _LEAN_DEG = 1.6, (15.0, 35.0)
"""Distance of the lamp from the scene, and how far off the vertical it hangs."""
_SHININESS, _BRIGHTNESS = 120.0, 2.0
"""Exponent of Blinn and Phong (semi-gloss print), and light of a highlight over that of white."""
_FAINT = 1e-3
_ARM_M = (-0.05, -0.7)
"""Where the arm begins and ends along the camera's axis: it hangs from its flange, behind it."""
_ARM_RADIUS_M, _PENUMBRA_M = 0.06, 0.05


class Lighting:
    """One lamp over a scene; seeded.

    Args:
        lens: of the views.
        seed: of where the lamp hangs and what is glossy.
        gloss: share of the surfaces that are.
        arm_shadow: share of the light that comes from the lamp alone.

    Attributes:
        to_lamp: (3,) unit vector towards the lamp in the scene's frame.
    """

    def __init__(self, lens: PinholeCamera, seed: int, gloss: float, arm_shadow: float) -> None:
        self._rng = np.random.default_rng([seed, 13])
        lean = Rotation.from_euler("y", self._rng.uniform(*_LEAN_DEG), degrees=True)
        turn = Rotation.from_euler("z", self._rng.uniform(0.0, 2.0 * np.pi))
        self.to_lamp = np.asarray((turn * lean).as_matrix()[:, 2])
        self._gloss, self._arm_shadow = gloss, arm_shadow
        self._glossy: dict[Texture, bool] = {}
        self._fine, self._coarse = (
            Cells(lens.width, lens.height, size) for size in (_FINE_PX, _COARSE_PX)
        )
        self._fine_rays, self._coarse_rays = (
            _rays(lens, cells) for cells in (self._fine, self._coarse)
        )

    def mirror(self, textures: Iterable[Texture]) -> None:
        """Decide which of a scene's surfaces are glossy, in the order they are named."""
        for texture in textures:
            if texture not in self._glossy:
                self._glossy[texture] = bool(self._rng.random() < self._gloss)

    def highlights(
        self, surfaces: Surfaces, T_sc: NDArray[np.float64]
    ) -> NDArray[np.float32] | None:
        """(H, W) light mirrored by glossy surfaces, 1 for that of white; None for none."""
        # The last one, for nothing, is what the face -1 means.
        glossy = np.array([*(self._glossy.get(t, False) for t in surfaces.textures), False])
        if not glossy.any():
            return None
        face = self._fine.sample(surfaces.face)
        some = np.flatnonzero(glossy[face])
        depth = 1.0 / np.maximum(self._fine.sample(surfaces.inverse_depth)[some], _FAINT)
        points = self._fine_rays[some] * depth[:, None]
        lamp = (T_sc[:3, :3].T @ (_LAMP_M * self.to_lamp - T_sc[:3, 3])).astype(np.float32)
        half = _unit(_unit(lamp - points) - _unit(points))
        normals = surfaces.normals.astype(np.float32)[face[some]]
        light = np.zeros(len(face), np.float32)
        facing = np.einsum("ij,ij->i", normals, half)
        light[some] = _BRIGHTNESS * np.maximum(facing, 0.0) ** _SHININESS
        if light.max() < _FAINT:
            return None
        # What is interpolated between cells may not spill over the edge of what is glossy.
        inside = glossy.astype(np.float32)[surfaces.face]
        return cv2.multiply(self._fine.full(light), inside).astype(np.float32, copy=False)

    def shade(self, surfaces: Surfaces, T_sc: NDArray[np.float64]) -> NDArray[np.float32] | None:
        """(H, W) share of the light that the arm leaves, None for one that throws no shadow."""
        if not self._arm_shadow:
            return None
        depth = 1.0 / np.maximum(self._coarse.sample(surfaces.inverse_depth), _FAINT)
        # Seen from a lamp far away, the arm is a thick line, and a point is beside it or behind it.
        direction = T_sc[:3, :3].T @ self.to_lamp
        across = np.linalg.svd(direction[None])[2][1:].T.astype(np.float32)
        flat = (self._coarse_rays * depth[:, None]) @ across
        begin, end = (np.array([0.0, 0.0, z], np.float32) @ across for z in _ARM_M)
        along = end - begin
        share = np.clip((flat - begin) @ along / max(along @ along, 1e-9), 0.0, 1.0)
        beside = np.linalg.norm(flat - begin - share[:, None] * along, axis=1)
        lit = np.clip((beside - _ARM_RADIUS_M) / _PENUMBRA_M + 0.5, 0.0, 1.0)
        smooth = lit * lit * (3.0 - 2.0 * lit)
        return self._coarse.full(1.0 - self._arm_shadow * (1.0 - smooth))


def _rays(lens: PinholeCamera, cells: Cells) -> NDArray[np.float32]:
    """(N, 3) rays of depth 1 through the middles of the cells."""
    points = np.nan_to_num(lens.normalize(cells.pixels))
    return homogeneous(points).astype(np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.maximum(norm, 1e-9)[:, None], dtype=np.float32)
