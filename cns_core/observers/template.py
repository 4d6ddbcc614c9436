"""The desired image, readable between its pixels."""

import cv2
import numpy as np
from scipy.fft import dctn, idctn


class Template:
    """A grey image up-sampled once, so that reading it at any point is nearly free of bias.

    Interpolating at full size would shift keypoints by hundredths of a pixel, which is as much as
    the image noise does. Of the finer grid, bilinear interpolation is exact enough.

    Args:
        grey: (H, W) uint8.
    """

    FACTOR = 5

    def __init__(self, grey):
        height, width = grey.shape
        spectrum = dctn(grey.astype(np.float32), norm="forward")
        shape = self.FACTOR * height, self.FACTOR * width
        self._fine = idctn(spectrum, s=shape, norm="forward").astype(np.float32)

    def read(self, x, y):
        """Values at pixel coordinates ``x``, ``y``, two equal-shaped 2-D float32 arrays."""
        # Sample centres of a cosine series lie half a sample off the border.
        offset = 0.5 * (self.FACTOR - 1)
        fx = np.asarray(x * self.FACTOR + offset, np.float32)
        fy = np.asarray(y * self.FACTOR + offset, np.float32)
        return cv2.remap(self._fine, fx, fy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
