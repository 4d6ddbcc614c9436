"""sensor_msgs/CompressedImage to OpenCV images: JPEG and PNG, as image_transport sends them."""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage

from cns_core.bad_data import reason_of
from cns_ros.ros.bit_depth import BitDepth
from cns_ros.ros.image_codec import decode_pixels

_BEGIN_AND_END = {
    "JPEG": (b"\xff\xd8\xff", b"\xff\xd9"),
    "PNG": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}
_TAIL_BYTES = 4096
"""Cameras pad what they send; the end of the image is looked for in so many bytes."""


def decode_compressed(message: CompressedImage, depth: BitDepth | None = None) -> np.ndarray:
    """Turn a CompressedImage message into a uint8 image, (H, W) grey or (H, W, 3) BGR.

    ``format`` is ``jpeg`` or ``png``, or the raw image's encoding before it, such as
    ``rgb8; jpeg compressed bgr8``, which tells the order of the colours and a Bayer pattern.

    Args:
        depth: as for :func:`.image_codec.decode`.

    Raises:
        ValueError: for another format, and for data that are cut off or none of it.
    """
    if "compressedDepth" in message.format:
        raise ValueError(
            f"image has the format {message.format!r}: depth is no picture; name the topic of "
            "the camera's colour or grey images"
        )
    pixels = _decompress(bytes(message.data), message.format)
    return decode_pixels(pixels, _encoding(message.format, pixels), depth or BitDepth())


def _decompress(data: bytes, described: str) -> np.ndarray:
    """(H, W, C) uint8 or uint16."""
    kinds = [kind for kind, (begin, _) in _BEGIN_AND_END.items() if data.startswith(begin)]
    if not kinds:
        raise ValueError(
            f"compressed image must be JPEG or PNG, got format {described!r} and {len(data)} "
            f"bytes that begin with {data[:8]!r}"
        )
    if _BEGIN_AND_END[kinds[0]][1] not in data[-_TAIL_BYTES:]:
        raise ValueError(f"compressed image is cut off: {kinds[0]} of {len(data)} bytes has no end")
    try:
        # Unchanged: of 16 bits where it has them, and not turned as EXIF says.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as reason:
        raise ValueError(f"compressed image is malformed: {reason_of(reason)}") from None
    if image is None:
        raise ValueError(f"compressed image is malformed: no {kinds[0]} in {len(data)} bytes")
    return image[:, :, :3] if image.ndim == 3 else image[:, :, None]  # without alpha


def _encoding(described: str, pixels: np.ndarray) -> str:
    """The raw encoding that the decompressed pixels have."""
    bits, channels = 8 * pixels.dtype.itemsize, pixels.shape[2]
    raw, _, compressed = (part.strip() for part in described.partition(";"))
    if channels == 1:
        return raw if raw.startswith("bayer_") and raw.endswith(str(bits)) else f"mono{bits}"
    # Publishers turn colours to BGR before they compress them; a few did not, and say so.
    return f"rgb{bits}" if "compressed rgb" in compressed else f"bgr{bits}"
