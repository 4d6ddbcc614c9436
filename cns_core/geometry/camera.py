"""Pinhole camera: pixel coordinates and the normalized image plane."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a pinhole camera with optional lens distortion.

    Args:
        width, height: image size in pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels; pixel centres have integer coordinates.
        distortion: OpenCV coefficients (k1 k2 p1 p2 [k3 [k4 k5 k6]]) of ROS's ``plumb_bob`` and
            ``rational_polynomial`` models; empty for none.

    Raises:
        ValueError: naming the argument that is out of range.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if int(value) != value or value <= 0:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        for name in ("fx", "fy"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and positive (pixels), got {value!r}")
        for name in ("cx", "cy"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite (pixels), got {getattr(self, name)!r}")
        coefficients = tuple(float(k) for k in self.distortion)
        if len(coefficients) not in (0, 4, 5, 8):
            raise ValueError(
                f"distortion must have 0, 4, 5 or 8 coefficients, got {len(coefficients)}"
            )
        if not np.all(np.isfinite(coefficients)):
            raise ValueError(f"distortion must be finite, got {coefficients}")
        object.__setattr__(self, "distortion", coefficients if any(coefficients) else ())

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) intrinsic matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def focal(self) -> float:
        """Mean focal length in pixels: the factor from normalized-plane lengths to pixels."""
        return 0.5 * (self.fx + self.fy)

    def normalize(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map (N, 2) pixels to the (N, 2) undistorted normalized plane (at depth 1)."""
        pixels = np.asarray(pixels, dtype=float).reshape(-1, 2)
        if self.distortion and len(pixels):
            rays = cv2.undistortPoints(pixels[:, None], self.matrix, np.array(self.distortion))
            return np.asarray(rays[:, 0], dtype=float)
        return (pixels - (self.cx, self.cy)) / (self.fx, self.fy)

    def denormalize(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map (N, 2) normalized points to (N, 2) pixels, distortion applied."""
        points = np.asarray(points, dtype=float).reshape(-1, 2)
        if self.distortion and len(points):
            rays = np.column_stack([points, np.ones(len(points))])
            zero, distortion = np.zeros(3), np.array(self.distortion)
            pixels, _ = cv2.projectPoints(rays, zero, zero, self.matrix, distortion)
            return np.asarray(pixels[:, 0], dtype=float)
        return points * (self.fx, self.fy) + (self.cx, self.cy)

    def project(self, points_c: ArrayLike) -> NDArray[np.float64]:
        """Project (N, 3) points in the camera frame (m) to (N, 2) pixels; NaN behind it."""
        points_c = np.asarray(points_c, dtype=float).reshape(-1, 3)
        depth = np.where(points_c[:, 2:] > 1e-9, points_c[:, 2:], np.nan)
        return self.denormalize(points_c[:, :2] / depth)

    def check_image(self, image: ArrayLike) -> None:
        """Raise ValueError unless ``image`` is a uint8 grey or BGR image of this camera's size."""
        image = np.asarray(image)
        if (
            image.dtype != np.uint8
            or image.ndim not in (2, 3)
            or (image.ndim == 3 and image.shape[2] != 3)
        ):
            raise ValueError(
                f"image must be uint8 of shape (H, W) or (H, W, 3), got {image.dtype} {image.shape}"
            )
        if image.shape[:2] != (self.height, self.width):
            raise ValueError(
                f"image is {image.shape[1]}x{image.shape[0]} pixels, "
                f"but the camera's are {self.width}x{self.height}"
            )
