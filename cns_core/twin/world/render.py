"""Renders textured convex solids: exact perspective, occlusion by z-buffer, anti-aliased edges.

In three passes: where everything lies in the view (``projection``), which face is seen in every
pixel (``visibility``), and what colour that is (``shading``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.atlas import Atlas
from cns_core.twin.world.projection import View, project
from cns_core.twin.world.shading import shade
from cns_core.twin.world.solid import Solid
from cns_core.twin.world.textures import Texture
from cns_core.twin.world.visibility import FARTHEST, Grid, Visibility


@dataclass(frozen=True)
class Surfaces:
    """A view, and what is seen in each of its pixels.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        inverse_depth: (H, W) float32 in 1/m, 0 where nothing is hit.
        face: (H, W) int16, row of ``normals`` and entry of ``textures``; -1 where nothing is hit.
        normals: (F, 3) unit normals in the camera's frame, towards the camera.
        textures: of every face.
    """

    image: np.ndarray
    inverse_depth: np.ndarray
    face: NDArray[np.int16]
    normals: NDArray[np.float64]
    textures: list[Texture]


def render(
    solids: Iterable[Solid],
    T_sc: NDArray[np.float64],
    camera: PinholeCamera,
    background: tuple[int, int, int] = (60, 60, 60),
    antialiased: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """The image and the inverse depth of :func:`render_surfaces`."""
    seen = render_surfaces(solids, T_sc, camera, background, antialiased)
    return seen.image, seen.inverse_depth


def render_surfaces(
    solids: Iterable[Solid],
    T_sc: NDArray[np.float64],
    camera: PinholeCamera,
    background: tuple[int, int, int] = (60, 60, 60),
    antialiased: bool = True,
) -> Surfaces:
    """Render ``solids`` for a camera at pose ``T_sc`` (camera in the scene frame).

    Args:
        solids: disjoint.
        T_sc: (4, 4) camera pose, z forward, x right, y down.
        camera: its distortion is applied.
        background: BGR colour where nothing is hit.
        antialiased: area averages of textures, and pixels shared at edges; else every pixel is the
            nearest texel of the one face behind its centre, as simple rasterizers have it.
    """
    solids = list(solids)
    K, size, undistort = _ideal_view(camera)
    view = project(solids, T_sc, K, size)
    grid = _pixel_grid(*size)
    visibility = Visibility(view, grid)
    image = shade(visibility, view, _atlas(_textures(solids)), grid, background, antialiased)
    inverse_depth = visibility.inverse_depth
    inverse_depth[inverse_depth == FARTHEST] = 0.0
    face = visibility.face
    if undistort is not None:
        image = cv2.remap(image, *undistort, cv2.INTER_LINEAR)
        nearest = cv2.remap(inverse_depth, *undistort, cv2.INTER_NEAREST)
        inverse_depth = nearest.astype(np.float32, copy=False)
        face = cv2.remap(face, *undistort, cv2.INTER_NEAREST).astype(np.int16, copy=False)
    return Surfaces(image, inverse_depth, face, _normals(view, K), view.textures)


def _normals(view: View, K: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F, 3): the inverse depth on a plane is its normal over its offset, times the pixel's ray."""
    inward = view.to_face[:, 2] @ K
    return -inward / np.linalg.norm(inward, axis=1, keepdims=True)


def _textures(solids: Sequence[Solid]) -> tuple[Texture, ...]:
    return tuple(dict.fromkeys(face.texture for solid in solids for face in solid.faces))


@lru_cache(2)
def _atlas(textures: tuple[Texture, ...]) -> Atlas:
    return Atlas(textures)


@lru_cache(8)
def _pixel_grid(width: int, height: int) -> Grid:
    """Column and row index of every pixel, (H, W) float32 each."""
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return u, v


@lru_cache(8)
def _ideal_view(camera: PinholeCamera) -> tuple[NDArray[np.float64], tuple[int, int], Grid | None]:
    """Intrinsics and size of the undistorted view to draw, and the maps that distort it."""
    if not camera.distortion:
        return camera.matrix, (camera.width, camera.height), None
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), axis=-1)
    points = camera.normalize(pixels) * (camera.fx, camera.fy)
    low = np.floor(points.min(axis=0)) - 1
    width, height = np.ceil(points.max(axis=0) - low).astype(int) + 2
    K = np.array([[camera.fx, 0, -low[0]], [0, camera.fy, -low[1]], [0, 0, 1]])
    maps = (points - low).astype(np.float32).reshape(camera.height, camera.width, 2)
    return K, (width, height), (maps[..., 0], maps[..., 1])
