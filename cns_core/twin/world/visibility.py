"""Which face is seen in every pixel, and how pixels on an edge are shared.

A convex body shows, in every pixel, the farthest of the planes that face the camera, so no polygons
have to be filled: comparing inverse depths gives the faces, their crossings the seams between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.projection import Body, View

NOTHING = -1
"""In place of the index of a face: the background is seen."""

FARTHEST = np.float32(1e-9)
"""Inverse depth of the background in 1/m."""

Grid = tuple[np.ndarray, np.ndarray]
"""u and v of every pixel, (H, W) float32 each."""


@dataclass(frozen=True)
class Shared:
    """Pixels that show more than one face; all (N,).

    Attributes:
        x, y: the pixels.
        other: the face that has less of the pixel than the one that :class:`Visibility` names.
        share: how much of the pixel shows ``other``, 0 to 0.5.
    """

    x: NDArray[np.int_]
    y: NDArray[np.int_]
    other: NDArray[np.int_]
    share: NDArray[np.floating]


class Visibility:
    """What is seen in every pixel.

    Args:
        view: where everything lies.
        grid: of the image.

    Attributes:
        face: (H, W) int16, index of the face in ``view``, or NOTHING.
        inverse_depth: (H, W) float32 in 1/m.
    """

    def __init__(self, view: View, grid: Grid) -> None:
        self.face: NDArray[np.int16] = np.full(grid[0].shape, NOTHING, np.int16)
        self.inverse_depth: NDArray[np.float32] = np.full(grid[0].shape, FARTHEST)
        self._to_face = view.to_face
        self._grid = grid
        self._silhouettes: list[tuple[np.ndarray, ...]] = []
        # One more, for NOTHING: that is no body's.
        self._body_of = np.full(len(view.to_face) + 1, -1)
        for number, body in enumerate(view.bodies):
            self._body_of[body.faces] = number
            self._add(body)

    def _add(self, body: Body) -> None:
        """Put a body where it is nearer than what is there."""
        at = window(body.box)
        u, v = (part[at] for part in self._grid)
        inverse_depth, face = self._surface(body, u, v)
        seen = cv2.compare(inverse_depth, self.inverse_depth[at], cv2.CMP_GT)
        inside = _depth_inside(body, u, v)
        if inside is not None:
            partial = cv2.bitwise_and(seen, cv2.inRange(inside, -0.5, 0.5))
            self._note_silhouette(partial, body.box, inside, face)
            seen = cv2.bitwise_and(seen, (inside >= 0.0).view(np.uint8))
        cv2.copyTo(inverse_depth, seen, self.inverse_depth[at])
        cv2.copyTo(face, seen, self.face[at])

    def _surface(self, body: Body, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inverse depth and face of a convex body over its box; meaningless outside its outline."""
        first, *others = body.faces
        nearest = affine(self._to_face[first, 2], u, v)
        face = np.full(nearest.shape, first, np.int16)
        for i in others:
            plane = affine(self._to_face[i, 2], u, v)
            cv2.copyTo(np.full_like(face, i), cv2.compare(plane, nearest, cv2.CMP_LT), face)
            cv2.min(plane, nearest, nearest)
        return nearest, face

    def _note_silhouette(
        self,
        partial: np.ndarray,
        box: tuple[int, int, int, int],
        inside: np.ndarray,
        face: np.ndarray,
    ) -> None:
        points = cv2.findNonZero(partial)
        if points is not None:
            x, y = points[:, 0].T
            here = y * face.shape[1] + x
            pixel = (y + box[1]) * self.face.shape[1] + x + box[0]
            under = self.face.ravel()[pixel]
            self._silhouettes.append((pixel, face.ravel()[here], under, inside.ravel()[here]))

    def shared(self) -> Shared:
        """The :class:`Shared` pixels: silhouettes of bodies, and seams between their faces."""
        parts = [*self._silhouettes, *self._seams()]
        pixel, above, under, inside = map(np.concatenate, zip(*parts, strict=True))
        main = np.where(inside >= 0, above, under)
        # A nearer body may have come over it since.
        kept = np.flatnonzero((self.face.ravel()[pixel] == main) & (np.abs(inside) < 0.5))
        y, x = np.divmod(pixel[kept], self.face.shape[1])
        other = np.where(inside >= 0, under, above)[kept]
        return Shared(x, y, other, 0.5 - np.abs(inside[kept]))

    def _seams(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Pixels whose right or lower neighbour shows another face of the same body.

        Where two planes meet, the difference of their inverse depths is zero. It is affine in the
        pixel: over its gradient it is the distance to their common edge.
        """
        width, faces = self.face.shape[1], self.face.ravel()
        for step in (1, width):
            pixel = np.flatnonzero(faces[step:] != faces[:-step])
            a, b = faces[pixel], faces[pixel + step]
            y, x = np.divmod(pixel, width)
            seam = (self._body_of[a] == self._body_of[b]) & (x + step % width < width)
            pixel, a, b, x, y = (column[seam] for column in (pixel, a, b, x, y))
            gap = self._to_face[b, 2] - self._to_face[a, 2]
            gap /= np.hypot(gap[:, 0], gap[:, 1])[:, None]
            ahead = gap[:, 0] * x + gap[:, 1] * y + gap[:, 2]
            yield pixel, a, b, ahead
            yield pixel + step, b, a, -(ahead + gap[:, 0 if step == 1 else 1])


def _depth_inside(body: Body, u: np.ndarray, v: np.ndarray) -> np.ndarray | None:
    """How far inside its outline each pixel of a body's box lies, None if all do wholly."""
    x0, y0, x1, y1 = body.box
    lines = body.outline
    nearest_u = np.where(lines[:, 0] > 0, x0, x1 - 1)
    nearest_v = np.where(lines[:, 1] > 0, y0, y1 - 1)
    lowest = lines[:, 0] * nearest_u + lines[:, 1] * nearest_v + lines[:, 2]
    inside = None
    for line in lines[lowest < 0.5]:
        part = affine(line, u, v)
        inside = part if inside is None else cv2.min(inside, part, inside)
    return inside


def affine(row: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Evaluate ``row @ (u, v, 1)`` for float32 arrays ``u`` and ``v``."""
    a, b, c = row.tolist()
    return cv2.addWeighted(u, a, v, b, c)


def window(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    """Index of the pixels of ``box`` (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    return slice(y0, y1), slice(x0, x1)
