"""Compressed images: formats as publishers write them, and data that are cut off or none."""

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from sklearn.datasets import load_sample_image

from cns_ros.ros.compressed_image import decode_compressed

COLOUR = np.ascontiguousarray(load_sample_image("china.jpg")[100:160, 100:180, ::-1])
GREY = cv2.cvtColor(COLOUR, cv2.COLOR_BGR2GRAY)


def compressed(image, suffix, written_as, padding=b""):
    data = cv2.imencode(suffix, image)[1].tobytes()
    return CompressedImage(format=written_as, data=data + padding)


@pytest.mark.parametrize(
    ("image", "suffix", "written_as", "expected"),
    [
        (COLOUR, ".jpg", "jpeg", COLOUR),
        (COLOUR, ".jpg", "jpg", COLOUR),
        (COLOUR, ".png", "png", COLOUR),
        (COLOUR, ".jpg", "bgr8; jpeg compressed bgr8", COLOUR),
        (COLOUR, ".jpg", "rgb8; jpeg compressed bgr8", COLOUR),
        (COLOUR, ".png", "rgb8; png compressed bgr8", COLOUR),
        (COLOUR[:, :, ::-1], ".png", "rgb8; png compressed rgb8", COLOUR),
        (GREY, ".jpg", "mono8; jpeg compressed ", GREY),
        (GREY, ".png", "mono8; png compressed ", GREY),
        (GREY.astype(np.uint16) << 4, ".png", "mono16; png compressed ", GREY),
        (np.dstack([COLOUR, GREY]), ".png", "bgra8; png compressed bgra8", COLOUR),
    ],
)
def test_formats(image, suffix, written_as, expected):
    decoded = decode_compressed(compressed(image, suffix, written_as))
    assert decoded.shape == expected.shape and decoded.dtype == np.uint8
    off = np.abs(decoded.astype(float) - expected)
    assert off.max() == 0 if suffix == ".png" else off.mean() < 8


def test_a_compressed_mosaic_becomes_colours():
    mosaic = np.zeros((16, 16), np.uint8)
    mosaic[::2, ::2] = 200
    decoded = decode_compressed(compressed(mosaic, ".png", "bayer_rggb8; png compressed "))
    blue, green, red = decoded[2:-2, 2:-2].reshape(-1, 3).mean(axis=0)
    assert red > 150 and blue < 10 and green < 10


def test_padding_after_the_image_does_not_matter():
    padded = compressed(COLOUR, ".jpg", "jpeg", b"\x00" * 512)
    assert decode_compressed(padded).shape == COLOUR.shape


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_is_cut_off_is_refused(suffix):
    data = cv2.imencode(suffix, COLOUR)[1].tobytes()
    for length in (len(data) // 2, len(data) - 4):
        with pytest.raises(ValueError, match="has no end"):
            decode_compressed(CompressedImage(format=suffix[1:], data=data[:length]))


@pytest.mark.parametrize(
    ("data", "written_as", "reason"),
    [
        (b"", "jpeg", "must be JPEG or PNG, got format 'jpeg' and 0 bytes"),
        (b"\x00\x00\x00\x01\x67", "h264", "must be JPEG or PNG, got format 'h264'"),
        (b"\xff\xd8\xff\xe0" + bytes(50) + b"\xff\xd9", "jpeg", "malformed"),
        (b"", "16UC1; compressedDepth png", "depth is no picture"),
    ],
)
def test_what_is_no_image_is_refused(data, written_as, reason):
    with pytest.raises(ValueError, match=reason):
        decode_compressed(CompressedImage(format=written_as, data=data))
