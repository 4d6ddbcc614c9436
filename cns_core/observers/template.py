"""The desired image and its gradient, readable between the pixels."""

import cv2
import numpy as np
from scipy.fft import dctn, idctn


class Template:
    """A grey image up-sampled once, so that reading it at any point is nearly free of bias.

    Interpolating at full size would shift keypoints by hundredths of a pixel, which is as much as
    the image noise does. Of the finer grid, bilinear interpolation is exact enough, and so are
    its central differences: at full size they flatten sharp texture and slow the alignment down.

    Args:
        grey: (H, W) uint8.
    """

    FACTOR = 3
    """Odd, so that every pixel of the image is one of the finer grid."""

    def __init__(self, grey):
        height, width = grey.shape
        spectrum = dctn(grey.astype(np.float32), norm="forward")
        shape = self.FACTOR * height, self.FACTOR * width
        fine = idctn(spectrum, s=shape, norm="forward").astype(np.float32)
        scale = 0.5 * self.FACTOR
        gx = cv2.Sobel(fine, cv2.CV_32F, 1, 0, ksize=1, scale=scale)
        gy = cv2.Sobel(fine, cv2.CV_32F, 0, 1, ksize=1, scale=scale)
        self._fine = cv2.merge([fine, gx, gy])

    def read(self, x, y):
        """Value and gradient per pixel at coordinates ``x``, ``y``, two (N, P) float32 arrays.

        Returns:
            Three (N, P) float32 arrays: value, gradient along x, gradient along y.
        """
        # Sample centres of a cosine series lie half a sample off the border.
        offset = 0.5 * (self.FACTOR - 1)
        fx, fy = x * np.float32(self.FACTOR) + offset, y * np.float32(self.FACTOR) + offset
        read = cv2.remap(
            self._fine,
            fx.astype(np.float32, copy=False),
            fy.astype(np.float32, copy=False),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return cv2.split(read)
