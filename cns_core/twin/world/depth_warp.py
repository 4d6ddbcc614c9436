"""Where in a photograph with depth each pixel of another view lies.

The photograph is a surface over its own image plane, with an inverse depth that is bilinear
between its pixels. The point behind a pixel is found by iteration: from an inverse depth to the
place in the photograph, from there to the surface's inverse depth, and again. It begins with the
nearest of what the photograph's pixels leave in a coarse view, and where that leads to nothing with
the farthest, so that of several points the nearest is found; where the surface is torn it does not
settle.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera

Field = NDArray[np.float32]

_COARSE_PX, _MARGIN = 4, 4
_EVERY = 2
"""Every second pixel of the photograph, along either axis, is thrown into the coarse view."""
_FIRST, _LAST, _ALONE = 4, 2, 5
"""Iterations at half the resolution, at the full one, and of points alone."""
_STRIPE = 256
_STEEPEST, _FLATTEST, _NO_PARALLAX = np.float32(-5.0), np.float32(-0.3), np.float32(-1.0)
"""Bounds of the slope of what is left of the inverse depth over the inverse depth, and what it is
without parallax."""
_SETTLED_PX, _NEARLY_PX = 0.7, 4.0
"""Change of the place in the last iteration below which it is found, or will be."""
_FARTHEST = np.float32(1e-6)


@dataclass(frozen=True)
class Traced:
    """What is behind the pixels of a view; all of one shape, float32 and bool.

    Attributes:
        x, y: place in the photograph, pixels.
        inverse_depth: in the view, 1/m.
        settled: whether the surface is there; where it is not, the others mean nothing.
        inside: whether that, or where it is torn, lies within the photograph.
    """

    x: Field
    y: Field
    inverse_depth: Field
    settled: NDArray[np.bool_]
    inside: NDArray[np.bool_]


class Warp:
    """From the pixels of a view to a photograph.

    Args:
        photo: camera that took the photograph, without distortion.
        T_photo_camera: (4, 4) pose of the viewing camera in that camera's frame.
        rays: (2, H, W) float32, the view's pixels on the normalized plane.
    """

    def __init__(
        self, photo: PinholeCamera, T_photo_camera: NDArray[np.float64], rays: Field
    ) -> None:
        R, t = T_photo_camera[:3, :3], T_photo_camera[:3, 3]
        self._toward, self._shift = photo.matrix @ R, photo.matrix @ t
        x, y, self._ahead = (_affine(row, rays) for row in self._toward)
        self._x, self._y = x, y

    def place(self, inverse_depth: Field) -> tuple[Field, Field]:
        """(x, y) in the photograph of what has this inverse depth in the view."""
        a, b, c = (float(each) for each in self._shift)
        z = np.maximum(cv2.scaleAdd(inverse_depth, c, self._ahead), np.float32(1e-3))
        x = cv2.divide(cv2.scaleAdd(inverse_depth, a, self._x), z)
        y = cv2.divide(cv2.scaleAdd(inverse_depth, b, self._y), z)
        return _field(x), _field(y)

    def seen(self, surface: Field, x: Field, y: Field) -> Field:
        """Inverse depth in the view of a (H, W) ``surface`` of inverse depths at (x, y) of it."""
        there = cv2.remap(surface, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        span = np.maximum(1.0 - np.float32(self._shift[2]) * there, np.float32(1e-3))
        return np.maximum(_field(cv2.divide(cv2.multiply(self._ahead, there), span)), _FARTHEST)

    def follow(self, surface: Field, start: Field, times: int) -> tuple[Field, Field, Field, Field]:
        """Iterate; the place and inverse depth come to, and the last change of place.

        Steps are those of the secant method: on ground seen flatly the mere iteration would swing.
        """
        w, x, y = start, *self.place(start)
        last_w, last_gap = w, np.zeros_like(w)
        moved = x
        for n in range(times):
            gap = self.seen(surface, x, y) - w
            step = gap
            if n:
                change = w - last_w
                slope = _field(cv2.divide(gap - last_gap, change))
                # Where it has come to rest to the last bit there is no secant.
                slope[change == 0.0] = _NO_PARALLAX
                step = -_field(cv2.divide(gap, np.clip(slope, _STEEPEST, _FLATTEST)))
            last_w, last_gap = w, gap
            w = np.maximum(w + step, _FARTHEST)
            before_x, before_y = x, y
            x, y = self.place(w)
            moved = np.maximum(np.abs(x - before_x), np.abs(y - before_y))
        return x, y, w, moved


def trace(
    surface: Field, photo: PinholeCamera, T_photo_camera: NDArray[np.float64], camera: PinholeCamera
) -> Traced:
    """What of a (H, W) ``surface`` of inverse depths is seen in each pixel of a ``camera``."""
    rough = Warp(photo, T_photo_camera, rays_of(camera, 2))
    nearest, farthest = _thrown(surface, photo, T_photo_camera, camera)
    near, far = (rough.follow(surface, start, _FIRST) for start in (nearest, farthest))
    w = np.where(near[3] < _NEARLY_PX, near[2], far[2])
    w = cv2.resize(w, (camera.width, camera.height), interpolation=cv2.INTER_NEAREST)
    fine = Warp(photo, T_photo_camera, rays_of(camera))
    return _traced(surface, *fine.follow(surface, np.asarray(w, np.float32), _LAST))


def trace_from(
    surface: Field,
    photo: PinholeCamera,
    T_photo_camera: NDArray[np.float64],
    points: NDArray[np.floating],
    start: NDArray[np.floating],
) -> Traced:
    """The same of (N, 2) ``points`` of the normalized plane; all (N,).

    Args:
        start: (N,) inverse depths in the view to begin with.
    """
    warp = Warp(photo, T_photo_camera, np.stack([folded(each) for each in np.transpose(points)]))
    traced = _traced(surface, *warp.follow(surface, folded(start), _ALONE))
    flat = (getattr(traced, each.name).ravel()[: len(points)] for each in fields(traced))
    return Traced(*flat)


def folded(values: NDArray[np.floating]) -> Field:
    """(N,) as an image, the last row filled up: OpenCV's have to be narrow."""
    rows = np.zeros(-(-len(values) // _STRIPE) * _STRIPE, np.float32)
    rows[: len(values)] = values
    return rows.reshape(-1, _STRIPE)


def _traced(surface: Field, x: Field, y: Field, w: Field, moved: Field) -> Traced:
    height, width = surface.shape
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return Traced(x, y, w, (moved < _SETTLED_PX) & inside, inside)


def _thrown(
    surface: Field, photo: PinholeCamera, T_photo_camera: NDArray[np.float64], camera: PinholeCamera
) -> tuple[Field, Field]:
    """At half the resolution, the nearest and the farthest of what the photograph's pixels leave
    thereabouts."""
    x, y, into = _coarse(camera)
    rays = rays_of(photo)[:, ::_EVERY, ::_EVERY].reshape(2, -1)
    inverse = surface[::_EVERY, ::_EVERY].reshape(1, -1)
    # Points over their depth in the photograph: the same pixels, and no division for each.
    T = se3.inverse(T_photo_camera)
    seen = T[:3, :2].astype(np.float32) @ rays + (T[:3, 2:3] + T[:3, 3:] * inverse)
    z = np.maximum(seen[2], 1e-3)
    column, row = seen[:2] / z * np.float32(camera.focal / _COARSE_PX)
    w = (inverse[0] / z).astype(np.float32)
    i = np.rint(row - y).astype(np.int32)
    j = np.rint(column - x).astype(np.int32)
    kept = np.flatnonzero((i >= 0) & (j >= 0) & (i < into[0]) & (j < into[1]) & (seen[2] > 1e-2))
    kept = kept[np.argsort(w[kept])]
    cell, w = i[kept] * into[1] + j[kept], w[kept]
    nearest, farthest = np.zeros((2, into[0] * into[1]), np.float32)
    nearest[cell] = w
    farthest[cell[::-1]] = w[::-1]
    around = np.ones((3, 3), np.uint8)
    # Before what is seen from nearby the points of what is behind it show through.
    near, far = _field(cv2.dilate(nearest.reshape(into), around)), farthest.reshape(into)
    far = _field(cv2.erode(np.where(far > 0.0, far, np.float32(np.inf)), around))
    far = np.where(np.isfinite(far), far, near)
    u, v = rays_of(camera, 2) * np.float32(camera.focal / _COARSE_PX)
    u, v = u - np.float32(x), v - np.float32(y)
    near, far = (_field(cv2.remap(each, u, v, cv2.INTER_NEAREST)) for each in (near, far))
    return np.maximum(near, _FARTHEST), np.maximum(far, _FARTHEST)


@lru_cache(8)
def _coarse(camera: PinholeCamera) -> tuple[float, float, tuple[int, int]]:
    """Least column and row of the coarse view, and its (H, W)."""
    at = rays_of(camera, 2) * (camera.focal / _COARSE_PX)
    low = np.floor(at.min(axis=(1, 2))) - _MARGIN
    high = np.ceil(at.max(axis=(1, 2))) + _MARGIN
    width, height = (high - low + 1).astype(int).tolist()
    return float(low[0]), float(low[1]), (height, width)


@lru_cache(8)
def rays_of(camera: PinholeCamera, step: int = 1) -> Field:
    """(2, H, W) of every ``step``-th pixel on the normalized plane."""
    middle = 0.5 * (step - 1)
    u, v = (np.arange(size // step) * step + middle for size in (camera.width, camera.height))
    pixels = np.stack(np.meshgrid(u, v), axis=-1)
    points = camera.normalize(pixels).T.reshape(2, len(v), len(u))
    return np.ascontiguousarray(points, dtype=np.float32)


def _field(values: np.ndarray) -> Field:
    return np.asarray(values, dtype=np.float32)


def _affine(row: NDArray[np.float64], rays: Field) -> Field:
    a, b, c = row.tolist()
    return np.asarray(cv2.addWeighted(rays[0], a, rays[1], b, c), dtype=np.float32)
