"""Which face is seen in every pixel, and how pixels on an edge are shared.

A convex body shows, in every pixel, the farthest of the planes that face the camera, so no polygons
have to be filled: comparing inverse depths gives the faces, their crossings the seams between them.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np

NOTHING = -1
"""In place of the index of a face: the background is seen."""

FARTHEST = np.float32(1e-9)
"""Inverse depth of the background in 1/m."""


@dataclass(frozen=True)
class Shared:
    """Pixels that show more than one face; all (N,).

    Attributes:
        x, y: the pixels.
        main: the face that has most of the pixel.
        other: the face that has the rest.
        share: how much of the pixel shows ``other``, 0 to 0.5.
    """

    x: np.ndarray
    y: np.ndarray
    main: np.ndarray
    other: np.ndarray
    share: np.ndarray


class Visibility:
    """What is seen in every pixel.

    Args:
        view: :class:`~cns_core.twin.projection.View`.
        grid: u and v of every pixel, (H, W) float32 each.

    Attributes:
        face: (H, W) int16, index of the face in ``view``, or NOTHING.
        inverse_depth: (H, W) float32 in 1/m.
    """

    def __init__(self, view, grid):
        self.face = np.full(grid[0].shape, NOTHING, np.int16)
        self.inverse_depth = np.full(grid[0].shape, FARTHEST)
        self._to_face = view.to_face
        self._grid = grid
        self._silhouettes, self._seams = [], []
        for body in view.bodies:
            self._add(body)

    def _add(self, body):
        """Put a body where it is nearer than what is there."""
        at = window(body.box)
        u, v = (part[at] for part in self._grid)
        inverse_depth, face = self._surface(body, u, v)
        seen = cv2.compare(inverse_depth, self.inverse_depth[at], cv2.CMP_GT)
        inside = _depth_inside(body, u, v)
        if inside is not None:
            partial = cv2.bitwise_and(seen, cv2.inRange(inside, -0.5, 0.5))
            self._note_silhouette(partial, body.box, inside, face)
            seen = cv2.bitwise_and(seen, cv2.compare(inside, 0.0, cv2.CMP_GE))
        if len(body.faces) > 1:
            self._note_seams(seen, body.box, face)
        cv2.copyTo(inverse_depth, seen, self.inverse_depth[at])
        cv2.copyTo(face, seen, self.face[at])

    def _surface(self, body, u, v):
        """Inverse depth and face of a convex body over its box; meaningless outside its outline."""
        first, *others = body.faces
        nearest = affine(self._to_face[first, 2], u, v)
        face = np.full(nearest.shape, first, np.int16)
        for i in others:
            plane = affine(self._to_face[i, 2], u, v)
            cv2.copyTo(np.full_like(face, i), cv2.compare(plane, nearest, cv2.CMP_LT), face)
            cv2.min(plane, nearest, nearest)
        return nearest, face

    def _note_silhouette(self, partial, box, inside, face):
        points = cv2.findNonZero(partial)
        if points is None:
            return
        x, y = points[:, 0].T
        new, depth = face[y, x], inside[y, x]
        x, y = x + box[0], y + box[1]
        old = self.face[y, x]
        main, other = np.where(depth >= 0, (new, old), (old, new))
        self._silhouettes.append((x, y, main, other, 0.5 - np.abs(depth)))

    def _note_seams(self, seen, box, face):
        """Pixels whose right or lower neighbour shows another face of the same body."""
        height, width = face.shape
        for dx, dy in ((1, 0), (0, 1)):
            here, there = np.s_[: height - dy, : width - dx], np.s_[dy:, dx:]
            if not face[here].size:
                continue
            differ = cv2.compare(face[here], face[there], cv2.CMP_NE)
            points = cv2.findNonZero(cv2.bitwise_and(differ, seen[here]))
            if points is not None:
                x, y = points[:, 0].T
                a, b = face[y, x], face[y + dy, x + dx]
                x, y = x + box[0], y + box[1]
                self._seams += [(x, y, a, b), (x + dx, y + dy, b, a)]

    def shared(self):
        """The :class:`Shared` pixels: silhouettes of bodies, and seams between their faces."""
        parts = list(self._silhouettes)
        if self._seams:
            x, y, main, other = map(np.concatenate, zip(*self._seams, strict=True))
            # Where two planes meet the difference of their inverse depths is zero. It is affine in
            # the pixel: over its gradient it is the distance to their common edge.
            a, b, c = (self._to_face[other, 2] - self._to_face[main, 2]).T
            parts.append((x, y, main, other, 0.5 - (a * x + b * y + c) / np.hypot(a, b)))
        if not parts:
            return Shared(*(np.empty(0, int) for _ in fields(Shared)))
        shared = [np.concatenate(column) for column in zip(*parts, strict=True)]
        x, y, main, _, share = shared
        # A nearer body may have come over it since.
        kept = (self.face[y, x] == main) & (share > 0)
        return Shared(*(column[kept] for column in shared))


def _depth_inside(body, u, v):
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


def affine(row, u, v):
    """Evaluate ``row @ (u, v, 1)`` for float32 arrays ``u`` and ``v``."""
    a, b, c = row.tolist()
    return cv2.addWeighted(u, a, v, b, c)


def window(box):
    """Index of the pixels of ``box`` (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    return slice(y0, y1), slice(x0, x1)
