"""sensor_msgs/Image to and from OpenCV images, on machines with and without cv_bridge."""

from __future__ import annotations

import re
import sys
from array import array
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from cns_core.settings import nearest
from cns_ros.ros.bit_depth import BitDepth
from cns_ros.ros.bridge import CV_BRIDGE, Convert


@dataclass(frozen=True)
class _Encoding:
    """How pixels lie in the data.

    Attributes:
        bits: of one channel.
        channels: per pixel.
        conversion: OpenCV's code for the way to BGR, None where there is nothing to do.
        multiple: what the width must be a multiple of.
        least: smallest width and height.
    """

    bits: int
    channels: int
    conversion: int | None = None
    multiple: int = 1
    least: int = 1


_YUV422_UYVY = _Encoding(8, 2, cv2.COLOR_YUV2BGR_UYVY, multiple=2)
_YUV422_YUYV = _Encoding(8, 2, cv2.COLOR_YUV2BGR_YUYV, multiple=2)
# OpenCV names a Bayer pattern by its second row, ROS by its first.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2BGR,
    "bggr": cv2.COLOR_BayerRG2BGR,
    "gbrg": cv2.COLOR_BayerGR2BGR,
    "grbg": cv2.COLOR_BayerGB2BGR,
}
_PATTERNS = {pattern[:2]: pattern for pattern in _BAYER}
_OF_CAMERAS = re.compile("^bayer_?(rg|bg|gb|gr)(?=[0-9])")
_ENCODINGS = {
    "mono8": _Encoding(8, 1),
    "8UC1": _Encoding(8, 1),
    "bgr8": _Encoding(8, 3),
    "8UC3": _Encoding(8, 3),
    "rgb8": _Encoding(8, 3, cv2.COLOR_RGB2BGR),
    "bgra8": _Encoding(8, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": _Encoding(8, 4, cv2.COLOR_RGBA2BGR),
    "mono16": _Encoding(16, 1),
    "16UC1": _Encoding(16, 1),
    "bgr16": _Encoding(16, 3),
    "16UC3": _Encoding(16, 3),
    "rgb16": _Encoding(16, 3, cv2.COLOR_RGB2BGR),
    "yuv422": _YUV422_UYVY,
    "uyvy": _YUV422_UYVY,
    "yuv422_yuy2": _YUV422_YUYV,
    "yuyv": _YUV422_YUYV,
    **{
        f"bayer_{pattern}{bits}": _Encoding(bits, 1, code, least=3)
        for pattern, code in _BAYER.items()
        for bits in (8, 16)
    },
}


def decode(
    message: Image, depth: BitDepth | None = None, convert: Convert | None = CV_BRIDGE
) -> np.ndarray:
    """Turn an Image message into a uint8 image, (H, W) grey or (H, W, 3) BGR.

    Row padding (``step``) and byte order are honoured. May share memory with the message.

    Args:
        depth: scales 16-bit channels, and remembers how; None to tell from this image alone.
        convert: converts 8-bit colours in rows without padding, None for OpenCV.

    Raises:
        ValueError: for an unknown encoding, or sizes that disagree with the data.
    """
    encoding = _encoding(message.encoding)
    pixels = _pixels(message, encoding)
    # cv_bridge takes a row for a whole number of pixels, padding and all, and shears the image.
    whole_rows = message.step == pixels.shape[1] * encoding.channels
    if convert is not None and encoding.bits == 8 and encoding.conversion is not None:
        converted = convert(message) if whole_rows else None
        if converted is not None:
            return converted
    return _to_bgr(pixels, encoding, depth or BitDepth())


def decode_pixels(pixels: np.ndarray, name: str, depth: BitDepth) -> np.ndarray:
    """As :func:`decode`, of an array (H, W, C) in native byte order.

    Raises:
        ValueError: if the array is not of that encoding, or of a size that it cannot have.
    """
    encoding = _encoding(name)
    height, width, channels = pixels.shape
    if channels != encoding.channels or pixels.dtype.itemsize * 8 != encoding.bits:
        raise ValueError(f"image of {channels} channels of {pixels.dtype} is not {name}")
    _check_size(width, height, name, encoding)
    return _to_bgr(pixels, encoding, depth)


def encode(image: np.ndarray, header: Header, mask: np.ndarray | None = None) -> Image:
    """Turn a uint8 image, (H, W) grey or (H, W, 3) BGR, into an Image message.

    Args:
        mask: (H, W), zero where the image does not show the scene: sent as its transparency.

    Raises:
        ValueError: for any other type or shape.
    """
    if mask is not None:
        code = cv2.COLOR_GRAY2BGRA if image.ndim == 2 else cv2.COLOR_BGR2BGRA
        image = cv2.cvtColor(image, code)
        image[..., 3] = np.where(mask, 255, 0)
    image = np.ascontiguousarray(image)
    channels = 1 if image.ndim == 2 else image.shape[-1]
    allowed = (1, 3) if mask is None else (4,)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in allowed:
        raise ValueError(
            f"image must be uint8 (H, W) or (H, W, 3), got {image.dtype} {image.shape}"
        )
    height, width = image.shape[:2]
    message = Image(
        header=header,
        height=height,
        width=width,
        encoding={1: "mono8", 3: "bgr8", 4: "bgra8"}[channels],
        step=width * channels,
    )
    message.data = as_data(image)
    return message


def transparency(message: Image) -> np.ndarray | None:
    """(H, W) uint8, zero where an image shows nothing; None where it shows something everywhere.

    Cameras that send an alpha channel without meaning anything by it leave it all zero.
    """
    if message.encoding not in ("bgra8", "rgba8"):
        return None
    alpha = _pixels(message, _encoding(message.encoding))[..., 3]
    return None if alpha.all() or not alpha.any() else np.where(alpha, 255, 0).astype(np.uint8)


def as_data(values: np.ndarray) -> array[int]:
    """The bytes of a contiguous array as a message keeps them."""
    # An array('B') is stored as it is; anything else is copied byte by byte, in tens of ms.
    data = array("B")
    data.frombytes(values.data.cast("B"))
    return data


def _encoding(name: str) -> _Encoding:
    if name not in _ENCODINGS:
        known = sorted(_ENCODINGS)
        # Cameras call it BayerRG8 or Mono8, which are no names of ROS.
        hint = nearest(_OF_CAMERAS.sub(lambda m: f"bayer_{_PATTERNS[m[1]]}", name.lower()), known)
        raise ValueError(f"image encoding must be one of {known}, got {name!r}{hint}")
    return _ENCODINGS[name]


def _check_size(width: int, height: int, name: str, encoding: _Encoding) -> None:
    if width % encoding.multiple:
        raise ValueError(
            f"{name} image must have a width that is a multiple of {encoding.multiple}, "
            f"got {width}x{height}; change the camera's size or encoding"
        )
    if min(width, height) < encoding.least:
        raise ValueError(
            f"{name} image must be at least {encoding.least}x{encoding.least}, "
            f"got {width}x{height}; change the camera's size or encoding"
        )


def _pixels(message: Image, encoding: _Encoding) -> np.ndarray:
    """(H, W, channels) view of the message's data in native byte order."""
    dtype = np.dtype(np.uint16 if encoding.bits == 16 else np.uint8)
    pixels = unpack(message, dtype, encoding.channels)
    _check_size(message.width, message.height, message.encoding, encoding)
    return pixels


def unpack(message: Image, dtype: np.dtype[Any], channels: int = 1) -> np.ndarray:
    """(H, W, channels) numbers of a message in native byte order; may share its memory.

    Raises:
        ValueError: for sizes that disagree with the data.
    """
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


def _to_bgr(pixels: np.ndarray, encoding: _Encoding, depth: BitDepth) -> np.ndarray:
    image = depth.scale(pixels) if encoding.bits == 16 else pixels
    if encoding.channels == 1:
        image = image[:, :, 0]
    return image if encoding.conversion is None else cv2.cvtColor(image, encoding.conversion)
