"""sensor_msgs/Image to and from OpenCV images, on machines with and without cv_bridge."""

from __future__ import annotations

import sys
from array import array

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

# encoding: (dtype of one channel, channels, conversion to BGR or grey)
_ENCODINGS: dict[str, tuple[type[np.uint8] | type[np.uint16], int, int | None]] = {
    "mono8": (np.uint8, 1, None),
    "8UC1": (np.uint8, 1, None),
    "bgr8": (np.uint8, 3, None),
    "8UC3": (np.uint8, 3, None),
    "rgb8": (np.uint8, 3, cv2.COLOR_RGB2BGR),
    "bgra8": (np.uint8, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": (np.uint8, 4, cv2.COLOR_RGBA2BGR),
    "mono16": (np.uint16, 1, None),
    "bgr16": (np.uint16, 3, None),
    "rgb16": (np.uint16, 3, cv2.COLOR_RGB2BGR),
    "yuv422": (np.uint8, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": (np.uint8, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": (np.uint8, 2, cv2.COLOR_YUV2BGR_YUYV),
    "yuyv": (np.uint8, 2, cv2.COLOR_YUV2BGR_YUYV),
    # OpenCV names a Bayer pattern by its second row, ROS by its first.
    "bayer_rggb8": (np.uint8, 1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": (np.uint8, 1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": (np.uint8, 1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": (np.uint8, 1, cv2.COLOR_BayerGB2BGR),
}


def decode(message: Image) -> np.ndarray:
    """Turn an Image message into a uint8 image, (H, W) grey or (H, W, 3) BGR.

    Row padding (``step``) and byte order are honoured; 16-bit channels keep their upper byte.
    May share memory with the message.

    Raises:
        ValueError: for an unknown encoding, or sizes that disagree with the data.
    """
    if message.encoding not in _ENCODINGS:
        raise ValueError(
            f"image encoding must be one of {sorted(_ENCODINGS)}, got {message.encoding!r}"
        )
    dtype, channels, conversion = _ENCODINGS[message.encoding]
    image = _pixels(message, np.dtype(dtype), channels)
    if dtype is np.uint16:
        image = (image >> 8).astype(np.uint8)
    if channels == 1:
        image = image[:, :, 0]
    return image if conversion is None else cv2.cvtColor(image, conversion)


def encode(image: np.ndarray, header: Header) -> Image:
    """Turn a uint8 image, (H, W) grey or (H, W, 3) BGR, into an Image message.

    Raises:
        ValueError: for any other type or shape.
    """
    image = np.ascontiguousarray(image)
    channels = 1 if image.ndim == 2 else image.shape[-1]
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3):
        raise ValueError(
            f"image must be uint8 (H, W) or (H, W, 3), got {image.dtype} {image.shape}"
        )
    height, width = image.shape[:2]
    message = Image(
        header=header,
        height=height,
        width=width,
        encoding="mono8" if channels == 1 else "bgr8",
        step=width * channels,
    )
    # An array('B') is stored as it is; anything else is copied byte by byte, in tens of ms.
    data = array("B")
    data.frombytes(image.data.cast("B"))
    message.data = data
    return message


def _pixels(message: Image, dtype: np.dtype, channels: int) -> np.ndarray:
    """(H, W, channels) view of the message's data in native byte order."""
    height, width, step = message.height, message.width, message.step
    row_bytes = width * channels * dtype.itemsize
    if not height or not width or step < row_bytes:
        raise ValueError(
            f"image of {width}x{height} {message.encoding} needs rows of {row_bytes} bytes, "
            f"got step {step}"
        )
    data = np.frombuffer(message.data, dtype=np.uint8)
    # The last row may come without its padding.
    needed = (height - 1) * step + row_bytes
    if len(data) < needed:
        raise ValueError(f"image needs {needed} bytes of data, got {len(data)}")
    rows = np.lib.stride_tricks.as_strided(data, (height, row_bytes), (step, 1), writeable=False)
    values = np.ascontiguousarray(rows).view(dtype)
    if dtype.itemsize > 1 and bool(message.is_bigendian) != (sys.byteorder == "big"):
        values = values.byteswap()
    return values.reshape(height, width, channels)
