"""Photometric visual servoing: the grey levels themselves are the features."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.interaction_matrix import interaction_matrix

GAIN = 30.0
"""In 1/s; this, the damping and the switch after 90 images are those of ViSP's example."""
DAMPING, LATE_DAMPING, LATE = 0.01, 1e-4, 90

_SHRINK = 2
_BORDER = 10
_LEAST_GRADIENT = 1.0
"""Grey levels a pixel; image noise alone comes to half of it."""


class PhotometricLaw:
    """v = -gain (H + damping diag H)^-1 L^T (I - I*), all at the desired image.

    Collewet and Marchand, "Photometric visual servoing", IEEE T-RO 2011: L is the interaction
    matrix of the luminance, H = L^T L, the solution that of Levenberg and Marquardt. The depth is
    the prior's everywhere. Images are halved in size, as that paper's are small.

    Args:
        camera: of all images; its distortion is not undone.
        gain: 1/s.
        blur_px: Gaussian blur of both images, in pixels of the halved image; 0 for none. It widens
            the basin at the price of detail.
    """

    def __init__(self, camera: PinholeCamera, gain: float = GAIN, blur_px: float = 0.0) -> None:
        self._camera = camera
        self._gain = gain
        self._blur_px = blur_px
        self._desired: NDArray[np.float64] | None = None
        self._L = np.zeros((0, 6))
        self._H = np.zeros((6, 6))
        self._count = 0

    def set_desired(self, image: np.ndarray) -> None:
        """Take the (H, W, 3) uint8 BGR ``image`` as the goal.

        Raises:
            ValueError: if it is of one grey, which tells no direction from another.
        """
        self._camera.check_image(image)
        gradient = float(np.abs(np.gradient(_halved(image))).mean())
        if gradient < _LEAST_GRADIENT:
            raise ValueError(
                f"desired image changes by {gradient:.2f} grey levels a pixel, at least "
                f"{_LEAST_GRADIENT:g} are needed: it is blank, dark or overexposed"
            )
        grey = self._grey(image)
        self._desired = _inner(grey)
        self._L = self._luminance_matrix(grey)
        self._H = self._L.T @ self._L
        self._count = 0

    def velocity(self, image: np.ndarray) -> NDArray[np.float64]:
        """(6,) twist [v/d, w] in 1/s and rad/s, camera optical frame.

        Raises:
            RuntimeError: before :meth:`set_desired`.
        """
        if self._desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self._count += 1
        damping = DAMPING if self._count <= LATE else LATE_DAMPING
        error = (_inner(self._grey(image)) - self._desired).ravel()
        H = self._H + damping * np.diag(np.diag(self._H))
        return -self._gain * np.linalg.solve(H, self._L.T @ error)

    def _grey(self, image: np.ndarray) -> NDArray[np.float64]:
        small = _halved(image)
        if not self._blur_px:
            return small
        return np.asarray(cv2.GaussianBlur(small, (0, 0), self._blur_px), dtype=float)

    def _luminance_matrix(self, grey: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 6): what the grey levels of the inner pixels do when the camera moves, depth 1."""
        down, across = (np.asarray(part, dtype=float) for part in np.gradient(grey))
        focal = np.array([self._camera.fx, self._camera.fy]) / _SHRINK
        gradient = np.column_stack([_inner(across).ravel(), _inner(down).ravel()]) * focal
        v, u = (_inner(index).ravel() for index in np.indices(grey.shape).astype(float))
        # Pixel centres of the halved image lie between those of the full one.
        pixels = _SHRINK * (np.column_stack([u, v]) + 0.5) - 0.5
        L = interaction_matrix(self._camera.normalize(pixels)).reshape(-1, 2, 6)
        return -np.einsum("ni,nij->nj", gradient, L)


def _halved(image: np.ndarray) -> NDArray[np.float64]:
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = (n // _SHRINK for n in grey.shape)
    small = cv2.resize(grey.astype(float), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=float)


def _inner(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return image[_BORDER:-_BORDER, _BORDER:-_BORDER]
