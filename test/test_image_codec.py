"""Images to and from messages: encodings, row padding, byte order, and malformed messages."""

import sys

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from cns_ros.ros.bit_depth import BitDepth
from cns_ros.ros.bridge import CV_BRIDGE
from cns_ros.ros.image_codec import decode, encode

COLOUR = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREY = cv2.cvtColor(COLOUR, cv2.COLOR_BGR2GRAY)
OTHER_ORDER = sys.byteorder == "little"


def message(data, encoding, *, padding=0, is_bigendian=False):
    """An Image of (H, W[, C]) data with so many bytes of padding after each row."""
    rows = np.ascontiguousarray(data).view(np.uint8).reshape(data.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=data.shape[0],
        width=data.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        is_bigendian=int(is_bigendian),
        data=rows.tobytes(),
    )


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("mono8", GREY, GREY),
        ("bgr8", COLOUR, COLOUR),
        ("rgb8", COLOUR[:, :, ::-1], COLOUR),
        ("bgra8", np.dstack([COLOUR, GREY]), COLOUR),
        ("rgba8", np.dstack([COLOUR[:, :, ::-1], GREY]), COLOUR),
        ("8UC3", COLOUR, COLOUR),
        ("mono16", GREY.astype(np.uint16) << 8 | 0x13, GREY),
        ("rgb16", COLOUR[:, :, ::-1].astype(np.uint16) << 8, COLOUR),
    ],
)
def test_encodings_with_and_without_padding(encoding, data, expected, padding):
    decoded = decode(message(data, encoding, padding=padding))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, expected)


def test_the_other_byte_order():
    swapped = (GREY.astype(np.uint16) << 8 | 0x13).byteswap()
    decoded = decode(message(swapped, "mono16", is_bigendian=OTHER_ORDER))
    np.testing.assert_array_equal(decoded, GREY)


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_packed_yuv_of_grey_is_grey(encoding):
    packed = np.full((6, 8, 2), 128, np.uint8)
    packed[:, :, 1 if encoding in ("yuv422", "uyvy") else 0] = 90
    decoded = decode(message(packed, encoding))
    assert decoded.shape == (6, 8, 3)
    assert np.ptp(decoded) <= 1


@pytest.mark.parametrize(
    ("pattern", "red_at"),
    [
        ("bayer_rggb8", (0, 0)),
        ("bayer_bggr8", (1, 1)),
        ("bayer_gbrg8", (1, 0)),
        ("bayer_grbg8", (0, 1)),
    ],
)
def test_bayer_patterns_put_red_where_ros_says(pattern, red_at):
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[red_at[0] :: 2, red_at[1] :: 2] = 200
    blue, green, red = decode(message(mosaic, pattern))[2:-2, 2:-2].reshape(-1, 3).mean(axis=0)
    assert red > 150
    assert blue < 10 and green < 10


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("encoding", ["mono16", "16UC1"])
def test_low_bits_are_scaled_to_what_is_used(encoding, bits):
    grey = GREY.copy()
    grey[0, 0] = 255
    decoded = decode(message(grey.astype(np.uint16) << (bits - 8), encoding))
    np.testing.assert_array_equal(decoded, grey)


def test_images_of_a_stream_are_scaled_alike_however_bright():
    depth = BitDepth()
    bright, dark = (message(np.full((4, 4), v, np.uint16), "mono16") for v in (4000, 300))
    assert (decode(dark, depth) == 75).all()  # of ten bits, as far as is known
    assert (decode(bright, depth) == 250).all()
    assert (decode(dark, depth) == 18).all()
    assert depth.bits == 12


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_of_16_bits(pattern):
    mosaic = np.random.default_rng(1).integers(128, 256, (8, 10), dtype=np.uint8)
    wide = decode(message(mosaic.astype(np.uint16) << 4, f"bayer_{pattern}16"))
    np.testing.assert_array_equal(wide, decode(message(mosaic, f"bayer_{pattern}8")))


@pytest.mark.parametrize(
    ("encoding", "width", "reason"),
    [
        ("yuv422", 7, "multiple of 2, got 7x6"),
        ("yuv422_yuy2", 1, "multiple of 2, got 1x6"),
        ("bayer_rggb8", 2, "at least 3x3, got 2x6"),
    ],
)
def test_sizes_that_an_encoding_cannot_have_are_refused(encoding, width, reason):
    channels = 2 if encoding.startswith("yuv") else 1
    with pytest.raises(ValueError, match=reason):
        decode(message(np.zeros((6, width, channels), np.uint8), encoding))


@pytest.mark.skipif(CV_BRIDGE is None, reason="no working cv_bridge here")
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", 3), ("bgra8", 4), ("rgba8", 4), ("yuv422", 2), ("yuv422_yuy2", 2)]
    + [(f"bayer_{pattern}8", 1) for pattern in ("rggb", "bggr", "gbrg", "grbg")],
)
def test_cv_bridge_converts_as_we_do(encoding, channels):
    data = np.random.default_rng(2).integers(0, 256, (6, 8, channels), dtype=np.uint8)
    for padding, other_order in [(0, False), (0, True), (4, False), (5, True)]:
        image = message(data, encoding, padding=padding, is_bigendian=other_order)
        np.testing.assert_allclose(decode(image), decode(image, convert=None), atol=1)
    assert CV_BRIDGE(message(data, encoding)) is not None


def test_a_conversion_that_does_not_know_an_encoding_is_not_needed():
    asked = []
    image = message(COLOUR[:, :, ::-1], "rgb8")
    np.testing.assert_array_equal(decode(image, convert=asked.append), COLOUR)
    assert asked == [image]
    np.testing.assert_array_equal(decode(image, convert=lambda _: COLOUR[::-1]), COLOUR[::-1])


def test_a_conversion_is_given_no_padded_rows():
    def shear(image):
        raise AssertionError("cv_bridge takes the padding for pixels")

    image = message(COLOUR[:, :, ::-1], "rgb8", padding=4)
    np.testing.assert_array_equal(decode(image, convert=shear), COLOUR)


@pytest.mark.parametrize("image", [GREY, COLOUR, COLOUR[:, ::-1]])
def test_what_is_encoded_is_decoded(image):
    header = Header(frame_id="camera")
    sent = encode(image, header)
    assert sent.header.frame_id == "camera"
    np.testing.assert_array_equal(decode(sent), image)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoding": "32FC1"}, "encoding must be one of"),
        ({"width": 0}, "needs rows of"),
        ({"step": 7}, "needs rows of 24 bytes, got step 7"),
        ({"data": b"\x00" * 30}, "needs 144 bytes of data, got 30"),
    ],
)
def test_malformed_messages_are_refused(change, reason):
    malformed = message(COLOUR, "bgr8")
    for name, value in change.items():
        setattr(malformed, name, value)
    with pytest.raises(ValueError, match=reason):
        decode(malformed)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("BayerRG8", "bayer_rggb8"),
        ("BayerGB16", "bayer_gbrg16"),
        ("BGR8", "bgr8"),
        ("Mono16", "mono16"),
        ("RGB8Packed", "rgb8"),
    ],
)
def test_for_the_names_of_cameras_those_of_ros_are_told(theirs, ours):
    with pytest.raises(ValueError, match=f"got '{theirs}'; did you mean '{ours}'"):
        decode(message(COLOUR, theirs))


@pytest.mark.parametrize("image", [COLOUR.astype(float), np.zeros((4, 4, 4), np.uint8)])
def test_images_of_another_type_are_not_sent(image):
    with pytest.raises(ValueError, match="uint8"):
        encode(image, Header())
