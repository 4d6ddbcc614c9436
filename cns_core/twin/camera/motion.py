"""What a camera's own motion does to an image: rows of other times, and blur within each."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.camera.cells import Cells

_CELL_PX = 8
_STILL_PX = 0.02
_TAP_PX, _MOST_TAPS = 2.0, 4
_ONE_MAP = np.empty(0, np.float32)


class ImageMotion:
    """Moves a rendered view as a moving camera saw it row by row.

    The image's velocity under a twist is (rotation) + (translation) / depth, both smooth in the
    pixel; so a whole view is drawn once, at the middle of the readout, and every pixel is taken
    from where it was then. At the edges of near things what comes out from behind them is a copy
    of what is beside it.

    Args:
        lens: of the view.
    """

    def __init__(self, lens: PinholeCamera) -> None:
        self._cells = Cells(lens.width, lens.height, _CELL_PX)
        self._rotation, self._translation = _velocities(lens, self._cells.pixels)
        u, v = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
        self._grid = np.dstack([u, v]).astype(np.float32)
        rows = (np.arange(lens.height) - 0.5 * (lens.height - 1)) / lens.height
        self._rows = np.empty_like(self._grid)
        self._rows[:] = rows[:, None, None]

    def velocity(
        self, twist: NDArray[np.float64], inverse_depth: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(H, W, 2) velocity of the image in pixels a second.

        Args:
            twist: (6,) of the camera in its own frame, m/s and rad/s.
            inverse_depth: (H, W) in 1/m, 0 for nothing.
        """
        by_depth = self._cells.full(np.tensordot(twist[:3], self._translation, 1))
        turning = self._cells.full(np.tensordot(twist[3:], self._rotation, 1))
        # Merged first: numpy takes five times as long over a last axis of two.
        twice = cv2.merge([inverse_depth, inverse_depth])
        return cv2.add(turning, cv2.multiply(by_depth, twice)).astype(np.float32, copy=False)

    def seen(
        self,
        light: NDArray[np.float32],
        velocity: NDArray[np.float32],
        readout_s: float,
        exposure_s: float,
    ) -> NDArray[np.float32]:
        """The (H, W, 3) light that rows collect one after another while the image moves.

        Args:
            light: in the middle of the exposure of the middle row.
            velocity: (H, W, 2), as :meth:`velocity` gives it.
            readout_s: from the first row to the last.
            exposure_s: of each row; 0 for no blur.
        """
        fastest = float(np.abs(velocity).max())
        if fastest * max(0.5 * readout_s, exposure_s) < _STILL_PX:
            return light
        taps = min(math.ceil(fastest * exposure_s / _TAP_PX), _MOST_TAPS) or 1
        late = cv2.multiply(velocity, self._rows, scale=readout_s)
        centre = cv2.subtract(self._grid, late).astype(np.float32, copy=False)
        if taps == 1:
            return _read(light, centre)
        total = np.zeros_like(light)
        for share in (np.arange(taps) + 0.5) / taps - 0.5:
            there = cv2.scaleAdd(velocity, -share * exposure_s, centre)
            cv2.accumulate(_read(light, there.astype(np.float32, copy=False)), total)
        return np.divide(total, taps, out=total)


def _read(light: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    there = cv2.remap(light, at, _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return there.astype(np.float32, copy=False)


def _velocities(
    lens: PinholeCamera, pixels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(3, N, 2) pixels a second at (N, 2) pixels by 1 rad/s about, and by 1 m/s along (at a depth
    of 1 m), each axis."""
    points = np.nan_to_num(lens.normalize(pixels))
    x, y = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    # The interaction matrix of a point (Chaumette and Hutchinson, RAM 2006, eq. 11).
    translation = np.array([[-one, zero], [zero, -one], [x, y]])
    rotation = np.array([[x * y, 1.0 + y**2], [-(1.0 + x**2), -x * y], [y, -x]])
    to_pixels = _jacobian(lens, points)
    return (
        np.einsum("nij,kjn->kni", to_pixels, rotation),
        np.einsum("nij,kjn->kni", to_pixels, translation),
    )


def _jacobian(lens: PinholeCamera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2, 2) change of the pixel by the normalized point."""
    step = 1e-4
    ahead = [lens.denormalize(points + step * axis) for axis in np.eye(2)]
    behind = [lens.denormalize(points - step * axis) for axis in np.eye(2)]
    return np.stack([(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)], axis=-1)
