"""Where convex solids lie in a view: the homography, outline and box of every face turned to it.

Both the texture coordinates and the inverse depth of a flat face follow from one homography of the
pixel, the inverse depth being affine in it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.solid import Solid
from cns_core.twin.world.textures import Texture

NEAR_M = 0.01
"""Nothing nearer than this in front of the camera is drawn."""

_FACING_M = 1e-6
_FIRM_PX = 1e-3  # shorter edges of an outline carry only rounding


@dataclass(frozen=True)
class Body:
    """One solid in view.

    Attributes:
        faces: indices of its faces in view.
        outline: (E, 3) lines of its hull; ``line @ (u, v, 1)`` is how far inside a pixel lies, in
            pixels.
        box: (x0, y0, x1, y1) of the pixels that it may touch, the last ones excluded.
    """

    faces: range
    outline: NDArray[np.float64]
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class View:
    """Everything in view.

    Attributes:
        bodies: from far to near.
        to_face: (F, 3, 3) of every face, from a pixel (u, v, 1) to (a, b, 1) / depth, with a and b
            the texture coordinates of :class:`~cns_core.twin.world.solid.Face` and the depth in m.
        boxes: (F, 4) pixels that each face may touch, as a body's.
        textures: the texture of every face.
    """

    bodies: list[Body]
    to_face: NDArray[np.float64]
    boxes: NDArray[np.int_]
    textures: list[Texture]


def project(
    solids: Iterable[Solid],
    T_sc: NDArray[np.float64],
    K: NDArray[np.float64],
    size: tuple[int, int],
) -> View:
    """Project what faces the camera.

    Args:
        solids: disjoint.
        T_sc: (4, 4) camera pose in the frame of the solids.
        K: (3, 3) intrinsics.
        size: (width, height) of the image in pixels.
    """
    faces, loops = _facing(solids, T_sc)
    ends = np.cumsum([0, *map(len, loops)])
    corners_c = np.concatenate([np.empty((0, 3)), *loops])
    pixels = corners_c[:, :2] / corners_c[:, 2:] * (K[0, 0], K[1, 1]) + K[:2, 2]
    boxes = _pixel_boxes(pixels, ends[:-1], size)
    inside = np.all(boxes[:, :2] < boxes[:, 2:], axis=1)
    groups = [list(group) for _, group in groupby(range(len(faces)), lambda f: id(faces[f][0]))]
    outlines = _hull_lines([pixels[ends[g[0]] : ends[g[-1] + 1]] for g in groups])
    bodies: list[Body] = []
    shown: list[int] = []
    for group, outline in zip(groups, outlines, strict=True):
        seen = [f for f in group if inside[f]]
        if seen and len(outline) > 2:
            x0, y0 = boxes[seen, :2].min(axis=0).tolist()
            x1, y1 = boxes[seen, 2:].max(axis=0).tolist()
            numbers = range(len(shown), len(shown) + len(seen))
            bodies.append(Body(numbers, outline, (x0, y0, x1, y1)))
            shown += seen
    faces = [faces[f] for f in shown]
    textures = [solid.faces[i].texture for solid, i in faces]
    return View(bodies, _homographies(faces, T_sc, K), boxes[shown], textures)


def _facing(
    solids: Iterable[Solid], T_sc: NDArray[np.float64]
) -> tuple[list[tuple[Solid, int]], list[NDArray[np.float64]]]:
    """Faces turned to the camera as (solid, index), far to near, and their corners before it."""
    R, t = T_sc[:3, :3], T_sc[:3, 3]
    faces: list[tuple[Solid, int]] = []
    loops: list[NDArray[np.float64]] = []
    for solid in sorted(solids, key=lambda s: -_distance(s, t)):
        corners_c = (solid.corners - t) @ R
        cut = corners_c[:, 2].min() < NEAR_M
        for i in np.flatnonzero(solid.normals @ t - solid.offsets > _FACING_M).tolist():
            loop = corners_c[solid.loops[i]]
            if cut:
                loop = _clip_near(loop)
            if len(loop):
                faces.append((solid, i))
                loops.append(loop)
    return faces, loops


def _distance(solid: Solid, eye: NDArray[np.float64]) -> float:
    """Order of drawing: flat sheets first (they lie under everything), then far to near."""
    return math.inf if len(solid.faces) == 1 else math.dist(solid.centre, eye)


def _clip_near(loop: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sutherland-Hodgman clipping of a polygon against the near plane."""
    kept = []
    for p, q in zip(loop, np.roll(loop, -1, axis=0), strict=True):
        if p[2] >= NEAR_M:
            kept.append(p)
        if (p[2] >= NEAR_M) != (q[2] >= NEAR_M):
            kept.append(p + (q - p) * (NEAR_M - p[2]) / (q[2] - p[2]))
    return np.array(kept).reshape(-1, 3)


def _pixel_boxes(
    pixels: NDArray[np.float64], starts: NDArray[np.int_], size: tuple[int, int]
) -> NDArray[np.int_]:
    """(F, 4) pixels of the image within one pixel of each outline; empty outside the image."""
    if not len(starts):
        return np.empty((0, 4), int)
    low = np.floor(np.minimum.reduceat(pixels, starts)) - 1
    high = np.ceil(np.maximum.reduceat(pixels, starts)) + 2
    return np.hstack([np.maximum(low, 0), np.minimum(high, size)]).astype(int)


def _hull_lines(outlines: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """(E, 3) lines of the hull of each outline, positive inside, without edges of no length."""
    hulls = [cv2.convexHull(points.astype(np.float32))[:, 0].astype(float) for points in outlines]
    corner = np.concatenate([np.empty((0, 2)), *hulls])
    ends = np.cumsum([0, *map(len, hulls)])
    after = np.arange(1, len(corner) + 1)
    after[ends[1:] - 1] = ends[:-1]
    step = corner[after] - corner
    length = np.hypot(step[:, 0], step[:, 1])
    # OpenCV's hulls turn so that the inside lies to the right of each step, with v down.
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.maximum(length, _FIRM_PX)[:, None]
    lines = np.column_stack([normal, -(normal * corner).sum(axis=1)])
    firm = length > _FIRM_PX
    return [lines[a:b][firm[a:b]] for a, b in pairwise(ends)]


def _homographies(
    faces: Sequence[tuple[Solid, int]], T_sc: NDArray[np.float64], K: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(F, 3, 3) from pixels to (a, b, 1) / depth."""
    frames = np.array([solid.frames[i] for solid, i in faces]).reshape(-1, 3, 3)
    frames[:, :, 2] -= T_sc[:3, 3]
    return np.linalg.inv(K @ T_sc[:3, :3].T @ frames)
