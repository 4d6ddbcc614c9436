"""sensor_msgs/Image of depths (REP 118) to and from arrays."""

from __future__ import annotations

import sys

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from cns_ros.ros.image_codec import as_data, unpack

DEPTH_ENCODINGS: dict[str, np.dtype[np.uint16] | np.dtype[np.float32]] = {
    "16UC1": np.dtype(np.uint16),
    "32FC1": np.dtype(np.float32),
}
"""In mm, 0 for holes; and in m, holes not finite."""


def decode_depth(message: Image) -> np.ndarray:
    """(H, W) uint16 in mm, or float32 in m. May share memory with the message.

    Raises:
        ValueError: for another encoding, or sizes that disagree with the data.
    """
    if message.encoding not in DEPTH_ENCODINGS:
        raise ValueError(
            f"depth_image must be encoded as 16UC1 (mm) or 32FC1 (m), got {message.encoding!r}"
        )
    return unpack(message, DEPTH_ENCODINGS[message.encoding])[:, :, 0]


def encode_depth(depth_m: np.ndarray, encoding: str, header: Header) -> Image:
    """Turn (H, W) depths in m, holes NaN, into a message encoded as told."""
    if encoding == "16UC1":
        values = np.rint(1e3 * np.nan_to_num(depth_m, nan=0.0)).clip(0, 65535).astype(np.uint16)
    else:
        values = depth_m.astype(np.float32)
    height, width = values.shape
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=sys.byteorder == "big",
        step=width * values.itemsize,
        data=as_data(np.ascontiguousarray(values)),
    )
