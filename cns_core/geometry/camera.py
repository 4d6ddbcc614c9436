"""Pinhole camera: pixel coordinates and the normalized image plane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cns_core.geometry.distortion import BrownConrady, Equidistant, Lens
from cns_core.geometry.homogeneous import homogeneous

_COEFFICIENTS = (0, 4, 5, 8, 12, 14)
_GRID_PX, _MOST_CELLS = 8, 256


@dataclass(frozen=True)
class PinholeCamera:
    """Intrinsics of a pinhole camera with optional lens distortion.

    Args:
        width, height: image size in pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels; pixel centres have integer coordinates.
        distortion: OpenCV coefficients (k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [tx ty]]]]) of
            ROS's ``plumb_bob`` and ``rational_polynomial`` models; empty for none.
        fisheye: the distortion is (k1 k2 k3 k4) of ``cv2.fisheye``, ROS's ``equidistant`` model.

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
    fisheye: bool = False

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
        allowed = (4,) if self.fisheye else _COEFFICIENTS
        if len(coefficients) not in allowed:
            kind = "fisheye distortion" if self.fisheye else "distortion"
            counts = " or ".join(map(str, allowed))
            raise ValueError(f"{kind} must have {counts} coefficients, got {len(coefficients)}")
        if not np.all(np.isfinite(coefficients)):
            raise ValueError(f"distortion must be finite, got {coefficients}")
        # Of a fisheye lens the coefficients only say how far it is from an ideal one.
        distorts = self.fisheye or any(coefficients)
        object.__setattr__(self, "distortion", coefficients if distorts else ())

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) intrinsic matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def focal(self) -> float:
        """Mean focal length in pixels: the factor from normalized-plane lengths to pixels."""
        return 0.5 * (self.fx + self.fy)

    @cached_property
    def _lens(self) -> Lens:
        return Equidistant(self.distortion) if self.fisheye else BrownConrady(self.distortion)

    def normalize(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Map (N, 2) pixels to the (N, 2) undistorted normalized plane (at depth 1).

        NaN where the distortion has no inverse, see :meth:`invertible`.
        """
        pixels = np.asarray(pixels, dtype=float).reshape(-1, 2)
        points = (pixels - (self.cx, self.cy)) / (self.fx, self.fy)
        return self._lens.undistort(points) if self.distortion and len(points) else points

    def denormalize(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map (N, 2) normalized points to (N, 2) pixels, distortion applied."""
        points = np.asarray(points, dtype=float).reshape(-1, 2)
        if self.distortion and len(points) and not self.fisheye:
            rays = homogeneous(points)
            zero, distortion = np.zeros(3), np.array(self.distortion)
            pixels, _ = cv2.projectPoints(rays, zero, zero, self.matrix, distortion)
            return np.asarray(pixels[:, 0], dtype=float)
        bent = self._lens.distort(points) if self.distortion else points
        return bent * (self.fx, self.fy) + (self.cx, self.cy)

    def invertible(self) -> NDArray[np.bool_] | None:
        """(H, W) bool, where pixels surely have a place on the normalized plane; None for all.

        Where a fit of the distortion folds back, or a fisheye lens sees sideways, there is none.
        """
        if not self.distortion:
            return None
        step = max(_GRID_PX, max(self.width, self.height) // _MOST_CELLS)
        x, y = (
            np.append(np.arange(0, size - 1, step), size - 1) for size in (self.width, self.height)
        )
        pixels = np.stack(np.meshgrid(x, y), axis=-1)
        coarse = np.isfinite(self.normalize(pixels)).all(axis=1).reshape(len(y), len(x))
        if coarse.all():
            return None
        fine = cv2.resize(coarse.astype(np.uint8), (self.width, self.height))
        margin = np.ones((2 * step + 1,) * 2, np.uint8)
        return cv2.erode(fine, margin, borderValue=1) > 0

    def shift_px(self, other: PinholeCamera) -> float:
        """How far ``other`` sees what this camera sees: the largest distance in pixels; inf where
        the images are not of one size."""
        if (self.width, self.height) != (other.width, other.height):
            return float("inf")
        x, y = np.linspace(0, self.width - 1, 9), np.linspace(0, self.height - 1, 9)
        pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        shift = np.linalg.norm(other.denormalize(self.normalize(pixels)) - pixels, axis=1)
        seen = shift[np.isfinite(shift)]
        return float(seen.max()) if len(seen) else float("inf")

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
