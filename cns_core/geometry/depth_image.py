"""How far away a scene is, from a depth image that is full of holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous

_REACH_PX = 2
"""Half a window: in a hole, the next pixels may know."""
_FAR_PX = 1e6
_FEWEST, _LEAST_SHARE = 4, 0.2
"""Of the keypoints: fewer with a depth are no scene."""
_NEAREST_M, _FARTHEST_M = 0.01, 10.0
"""Beyond, the numbers are no metres, or no millimetres."""


class DepthImage:
    """Depths along the optical axis, seen by the camera of the image beside it.

    Args:
        image: (H, W), uint16 in mm or floating-point in m; 0 and what is not finite are holes.
        camera: whose view it is.

    Raises:
        ValueError: for another type, or a size other than the camera's.
    """

    def __init__(self, image: NDArray[np.generic], camera: PinholeCamera) -> None:
        image = np.asarray(image)
        if image.ndim != 2 or not (image.dtype == np.uint16 or image.dtype.kind == "f"):
            raise ValueError(
                "a depth image must be (H, W) of uint16 (mm) or floating-point numbers (m), got "
                f"{image.dtype} {image.shape}"
            )
        if image.shape != (camera.height, camera.width):
            raise ValueError(
                f"the depth image is {image.shape[1]}x{image.shape[0]} pixels, but the camera's "
                f"images are {camera.width}x{camera.height}: register it to the camera"
            )
        self._image, self._camera = image, camera
        self._unit_m = 1e-3 if image.dtype == np.uint16 else 1.0

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) m at (N, 2) points of the normalized plane: the median around; NaN in holes."""
        pixels = self._camera.denormalize(points)
        finite = np.isfinite(pixels).all(axis=1, keepdims=True)
        pixels = np.clip(np.where(finite, pixels, -_FAR_PX), -_FAR_PX, _FAR_PX)
        u, v = np.rint(pixels).astype(int).T
        du, dv = np.mgrid[-_REACH_PX : _REACH_PX + 1, -_REACH_PX : _REACH_PX + 1].reshape(2, -1)
        u, v = u[:, None] + du, v[:, None] + dv
        inside = (u >= 0) & (u < self._camera.width) & (v >= 0) & (v < self._camera.height)
        with np.errstate(invalid="ignore"):  # what is no number is a hole
            windows = self._image[np.where(inside, v, 0), np.where(inside, u, 0)].astype(float)
        whole = inside & np.isfinite(windows) & (windows > 0.0)
        depth = np.full(len(points), np.nan)
        known = whole.any(axis=1)
        depth[known] = np.nanmedian(np.where(whole, windows, np.nan)[known], axis=1)
        return self._unit_m * depth

    def distance(self, points: NDArray[np.float64]) -> float:
        """From the camera to the middle of the scene, m.

        Args:
            points: (N, 2) keypoints in this view, normalized plane.

        Raises:
            ValueError: if too few of them have a depth, or one that cannot be.
        """
        depth = self.at(points)
        known = np.isfinite(depth)
        needed = max(_FEWEST, int(np.ceil(_LEAST_SHARE * len(points))))
        if known.sum() < needed:
            raise ValueError(
                f"{known.sum()} of {len(points)} keypoints have a depth, {needed} are needed: the "
                "rest of the depth image is holes"
            )
        rays = homogeneous(points)[known]
        distance = float(np.linalg.norm(np.median(rays * depth[known, None], axis=0)))
        if not _NEAREST_M <= distance <= _FARTHEST_M:
            raise ValueError(
                f"the scene is {distance:.3g} m away by the depth image, {_NEAREST_M} to "
                f"{_FARTHEST_M} m can be: 16UC1 must be in mm, 32FC1 in m"
            )
        return distance


def desired_distance(depth: DepthImage, seen: Correspondence) -> float:
    """Distance from the desired camera to the scene, m, by a depth image of the current view.

    What is as large as in the desired image is as far away, and what is half as large twice as far.

    Raises:
        ValueError: if too few keypoints are matched, or have a depth.
    """
    if seen.count < _FEWEST:
        raise ValueError(f"{seen.count} keypoints are matched, {_FEWEST} are needed")
    current, desired = seen.current[seen.matched], seen.desired[seen.matched]
    return depth.distance(current) * _enlarged(desired, current)


def _enlarged(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """How much larger (N, 2) points have become, a minority of wrong ones left aside."""
    sizes = [np.linalg.norm(each - np.median(each, axis=0), axis=1) for each in (after, before)]
    return float(np.median(sizes[0] / np.maximum(sizes[1], 1e-9)))
