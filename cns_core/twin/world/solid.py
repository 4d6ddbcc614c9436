"""Convex solids with textured flat faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.textures import Texture, photo_crop


@dataclass(frozen=True)
class Face:
    """A flat face; its texture spans ``origin + a * edge_u + b * edge_v`` for a, b in [0, 1].

    Args:
        loop: (K, 3) corners of the face, in m, counter-clockwise seen from outside.
        origin, edge_u, edge_v: (3,) the parallelogram that carries the texture, in m.
    """

    loop: NDArray[np.float64]
    origin: NDArray[np.float64]
    edge_u: NDArray[np.float64]
    edge_v: NDArray[np.float64]
    texture: Texture

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit normal pointing out of the solid."""
        normal = np.cross(self.loop[1] - self.loop[0], self.loop[2] - self.loop[0])
        return normal / np.linalg.norm(normal)


class Solid:
    """A convex solid, or a single flat face seen from one side.

    Args:
        faces: together they bound a convex body.
    """

    def __init__(self, faces: Iterable[Face]) -> None:
        self.faces = list(faces)
        self.vertices = np.unique(np.concatenate([face.loop for face in self.faces]), axis=0)
        self.centre = self.vertices.mean(axis=0)
        self.normals = np.array([face.normal for face in self.faces])
        self.origins = np.array([face.origin for face in self.faces])
        self.offsets = (self.normals * self.origins).sum(axis=1)
        # The corners of all faces in one array, and where each face's lie in it.
        self.corners = np.concatenate([face.loop for face in self.faces])
        ends = np.cumsum([len(face.loop) for face in self.faces]).tolist()
        self.loops = [
            slice(end - len(f.loop), end) for f, end in zip(self.faces, ends, strict=True)
        ]
        # Columns map (a, b, 1) to a point of the face.
        self.frames = np.array(
            [np.column_stack([face.edge_u, face.edge_v, face.origin]) for face in self.faces]
        )

    def at(self, T: NDArray[np.float64]) -> Solid:
        """A copy moved by the (4, 4) pose ``T``, or scaled as well, sharing the textures."""
        R, t = T[:3, :3], T[:3, 3]
        return Solid(
            Face(f.loop @ R.T + t, R @ f.origin + t, R @ f.edge_u, R @ f.edge_v, f.texture)
            for f in self.faces
        )


def textured(
    rng: np.random.Generator,
    loop: NDArray[np.float64],
    texels_per_m: float,
    light: float = 1.0,
    picture: Callable[[np.random.Generator, int, int], np.ndarray] = photo_crop,
) -> Face:
    """A face over the planar (K, 3) ``loop`` with a texture of its own covering its bounds.

    Args:
        light: factor on the texture's brightness.
        picture: what is on it, of a width and a height in texels.
    """
    u = loop[1] - loop[0]
    u = u / np.linalg.norm(u)
    v = np.cross(np.cross(u, loop[2] - loop[0]), u)
    v = v / np.linalg.norm(v)
    low = np.array([((loop - loop[0]) @ axis).min() for axis in (u, v)])
    extent = np.array([((loop - loop[0]) @ axis).max() for axis in (u, v)]) - low
    width, height = np.maximum(np.ceil(extent * texels_per_m), 8).astype(int)
    image = cv2.convertScaleAbs(picture(rng, width, height), alpha=light)
    return Face(
        loop, loop[0] + low[0] * u + low[1] * v, extent[0] * u, extent[1] * v, Texture(image)
    )


def prism(
    rng: np.random.Generator, base: NDArray[np.float64], height: float, texels_per_m: float = 2500.0
) -> Solid:
    """An upright prism over a convex polygon, standing on z = 0, every face with its own texture.

    Args:
        base: (K, 2) corners in m, counter-clockwise seen from above.
        height: m.
    """
    bottom = np.column_stack([base, np.zeros(len(base))])
    top = bottom + (0, 0, height)
    after = np.roll(np.arange(len(base)), -1)
    loops = [bottom[::-1], top]
    loops += [np.array([bottom[i], bottom[j], top[j], top[i]]) for i, j in enumerate(after)]
    return Solid(textured(rng, loop, texels_per_m) for loop in loops)


def sheet(width: float, height: float, image: np.ndarray) -> Solid:
    """A flat sheet on z = 0, centred at the origin and facing up, carrying one BGR ``image``."""
    x, y = width / 2, height / 2
    loop = np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])
    # The image's rows run towards -y, so that it is upright seen from above with y up.
    edges = np.array([width, 0.0, 0.0]), np.array([0.0, -height, 0.0])
    return Solid([Face(loop, loop[3], *edges, Texture(image))])
