"""Images from files, pixel for pixel as the camera would send them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cns_core.bad_data import reason_of
from cns_ros.ros.bit_depth import BitDepth


def read_image(path: str, name: str = "image") -> np.ndarray:
    """Read a (H, W, 3) BGR uint8 image.

    An orientation in the file is not applied: the camera's images are not turned either. Of alpha
    nothing is kept; 16 bits are scaled by what the image uses of them.

    Args:
        path: any name the file system allows; ``~`` is the home.
        name: what the user calls the file, for errors.

    Raises:
        ValueError: if there is no file, or no image in it, with the reason.
    """
    try:
        data = np.frombuffer(Path(path).expanduser().read_bytes(), np.uint8)
    except (OSError, RuntimeError, ValueError) as reason:
        raise ValueError(f"{name}: {path!r} cannot be read: {reason}") from None
    if not len(data):
        raise ValueError(f"{name}: {path!r} is empty; give an image file")
    try:
        # Unchanged: neither turned as EXIF says nor cut to eight bits.
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as reason:
        raise ValueError(f"{name}: {path!r}: {reason_of(reason)}") from None
    if image is None:
        raise ValueError(f"{name}: no image can be read from {path!r}; give a PNG or JPEG file")
    if image.dtype == np.uint16:
        image = BitDepth().scale(image)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if image.dtype != np.uint8 or channels not in (1, 3, 4):
        raise ValueError(
            f"{name}: {path!r} must have 8 or 16 bits and 1, 3 or 4 channels, "
            f"got {image.dtype} and {channels}"
        )
    if channels == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image[:, :, :3])
