"""A photograph with the depth of every pixel as a scene: seen from elsewhere, what it hides too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.depth_warp import Field, Traced, folded, rays_of, trace, trace_from
from cns_core.twin.world.render import Surfaces, render_surfaces
from cns_core.twin.world.scene import Rendered
from cns_core.twin.world.solid import Solid
from cns_core.twin.world.textures import Texture, levels_for

_TOWARDS = np.array([[0.0, 0.0, -1.0]] * 2)
_REACH_PX, _SOFT_PX = 61, 31
"""How far around the farthest is looked for that fills what a near thing hides; its smoothing."""
_NEARER = 1.15
"""Inverse depth over that of the filling from which on a pixel hides something."""
_FILLS_PX = (60.0, 15.0)
_FIRM = 1e-3


@dataclass(frozen=True, eq=False)
class Layer:
    """A surface over the photograph's image plane.

    Args:
        texture: of (H, W, 3) BGR, what is on it.
        inverse_depth: (H, W) float32 in 1/m, positive.
    """

    texture: Texture
    inverse_depth: Field

    @staticmethod
    def of(image: np.ndarray, inverse_depth: Field) -> Layer:
        """A layer of (H, W, 3) uint8 BGR."""
        return Layer(Texture(np.ascontiguousarray(image)), inverse_depth)

    def behind(self) -> Layer:
        """What may lie behind: as far as the farthest around, without detail where that is hidden.

        Nobody knows what is there; it is smooth, so that it gives no keypoints.
        """
        image, size = self.texture.levels[0], (2 * _REACH_PX + 1,) * 2
        far = cv2.erode(self.inverse_depth, np.ones(size, np.uint8))
        far = cv2.min(cv2.blur(far, (2 * _SOFT_PX + 1,) * 2), self.inverse_depth)
        shown = (self.inverse_depth <= _NEARER * far).astype(np.float32)
        filled = np.full(image.shape, image.mean(), np.float32)
        for sigma in _FILLS_PX:
            weight = cv2.GaussianBlur(shown, (0, 0), sigma)[:, :, None]
            colour = cv2.GaussianBlur(image * shown[:, :, None], (0, 0), sigma)
            filled = np.where(weight > _FIRM, colour / np.maximum(weight, _FIRM), filled)
        return Layer.of(np.rint(filled).astype(np.uint8), np.asarray(far, np.float32))

    def scaled(self, factor: float) -> Layer:
        """The same ``factor`` times as far away."""
        return Layer(self.texture, self.inverse_depth / np.float32(factor))

    def paint(self, x: Field, y: Field, texels_per_pixel: float) -> np.ndarray:
        """(..., 3) uint8 BGR at places in the photograph."""
        level = self.texture.levels[int(levels_for(texels_per_pixel))]
        height, width = self.inverse_depth.shape
        along, down = level.shape[1] / width, level.shape[0] / height
        u = (x + np.float32(0.5)) * np.float32(along) - np.float32(0.5)
        v = (y + np.float32(0.5)) * np.float32(down) - np.float32(0.5)
        return cv2.remap(level, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class DepthPhoto(Rendered):
    """The photograph as a scene.

    Where its surface is torn, at the edges of what is near, the layer behind is seen; beyond the
    photograph, the background. Its edges are not anti-aliased.

    Args:
        front: what was photographed.
        camera: that took it, without distortion.
        T_photo: (4, 4) its pose in the scene frame.
        background: BGR colour of what was not photographed.
        back: what is seen where the front is torn; None for :meth:`Layer.behind`.
    """

    def __init__(
        self,
        front: Layer,
        camera: PinholeCamera,
        T_photo: NDArray[np.float64],
        background: tuple[int, int, int] = (90, 90, 90),
        back: Layer | None = None,
    ) -> None:
        super().__init__([], background)
        self.front, self.back = front, front.behind() if back is None else back
        self.camera, self.T_photo = camera, T_photo

    def with_moved(self, number: int, offset_m: ArrayLike) -> Rendered:
        """Refused.

        Raises:
            ValueError: always: a photograph is of one piece.
        """
        raise ValueError(f"solid {number} cannot be moved: a photograph with depth has no solids")

    def scaled(self, factor: float) -> DepthPhoto:
        """The same ``factor`` times as large, about the origin."""
        T = self.T_photo.copy()
        T[:3, 3] *= factor
        front, back = self.front.scaled(factor), self.back.scaled(factor)
        return DepthPhoto(front, self.camera, T, self.background, back)

    def surfaces(
        self, T_sc: NDArray[np.float64], camera: PinholeCamera, extra: Iterable[Solid] = ()
    ) -> Surfaces:
        """As of :class:`Rendered`, with one face for what was photographed and one for what is
        behind, towards the camera."""
        T = se3.inverse(self.T_photo) @ T_sc
        seen = trace(self.front.inverse_depth, self.camera, T, camera)
        density = _texels_per_pixel(seen)
        image = self.front.paint(seen.x, seen.y, density)
        w, inside = seen.inverse_depth, seen.inside
        torn = np.flatnonzero((inside & ~seen.settled).ravel())
        if len(torn):
            rays = rays_of(camera).reshape(2, -1)[:, torn].T
            start = np.full(len(torn), np.median(w[inside]))
            behind = trace_from(self.back.inverse_depth, self.camera, T, rays, start)
            image.reshape(-1, 3)[torn] = self._behind(behind, density)
            w.ravel()[torn] = behind.inverse_depth
        image[~inside] = self.background
        w[~inside] = 0.0
        face = np.where(inside, np.where(seen.settled, 0, 1), -1).astype(np.int16)
        textures = [self.front.texture, self.back.texture]
        own = Surfaces(image, w, face, _TOWARDS, textures)
        solids = list(extra)
        return _before(own, render_surfaces(solids, T_sc, camera)) if solids else own

    def _behind(self, behind: Traced, density: float) -> np.ndarray:
        """(N, 3) BGR of what the (N,) places show."""
        painted = self.back.paint(folded(behind.x), folded(behind.y), density)
        return painted.reshape(-1, 3)[: len(behind.x)]

    def photographed(self, T_sc: NDArray[np.float64], camera: PinholeCamera) -> float:
        """Share of a view that shows what was photographed."""
        return float((self.surfaces(T_sc, camera).face == 0).mean())

    def depth(
        self,
        T_sc: NDArray[np.float64],
        camera: PinholeCamera,
        pixels: NDArray[np.number] | None = None,
        extra: Iterable[Solid] = (),
    ) -> NDArray[np.float64]:
        """As of :class:`Rendered`, traced anew for each of the ``pixels``."""
        inverse = self.surfaces(T_sc, camera, extra).inverse_depth
        if pixels is not None:
            column, row = np.rint(np.asarray(pixels, dtype=float)).astype(int).T
            row, column = row.clip(0, camera.height - 1), column.clip(0, camera.width - 1)
            inverse = inverse[row, column]
            T = se3.inverse(self.T_photo) @ T_sc
            rays = camera.normalize(pixels)
            exact = trace_from(self.front.inverse_depth, self.camera, T, rays, inverse)
            same = exact.settled & (inverse > 0) & ~_covered(extra, T_sc, camera, row, column)
            inverse = np.where(same, exact.inverse_depth, inverse)
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / inverse, dtype=float)


def _covered(
    extra: Iterable[Solid],
    T_sc: NDArray[np.float64],
    camera: PinholeCamera,
    row: NDArray[np.int_],
    column: NDArray[np.int_],
) -> NDArray[np.bool_]:
    """(N,) whether further solids are in these pixels."""
    solids = list(extra)
    if not solids:
        return np.zeros(len(row), dtype=bool)
    return np.asarray(render_surfaces(solids, T_sc, camera).face[row, column] >= 0)


def _before(own: Surfaces, solids: Surfaces) -> Surfaces:
    """What is seen of a photograph and of solids."""
    nearer = solids.inverse_depth > own.inverse_depth
    return Surfaces(
        np.where(nearer[:, :, None], solids.image, own.image),
        np.where(nearer, solids.inverse_depth, own.inverse_depth),
        np.where(nearer, solids.face + np.int16(len(own.textures)), own.face),
        np.vstack([own.normals, solids.normals]),
        [*own.textures, *solids.textures],
    )


def _texels_per_pixel(seen: Traced) -> float:
    """Of the photograph, in the middle of what is seen of it."""
    along = np.hypot(np.diff(seen.x[::8], axis=1), np.diff(seen.y[::8], axis=1))
    known = along[seen.settled[::8, 1:] & seen.settled[::8, :-1]]
    return float(np.median(known)) if len(known) else 1.0
