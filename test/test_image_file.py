"""Images from files: whatever is in them becomes what the camera would have sent."""

import struct

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_ros.ros.image_file import read_image

COLOUR = np.ascontiguousarray(load_sample_image("china.jpg")[100:160, 100:180, ::-1])
GREY = cv2.cvtColor(COLOUR, cv2.COLOR_BGR2GRAY)
AS_COLOUR = cv2.cvtColor(GREY, cv2.COLOR_GRAY2BGR)


def write(path, image):
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return str(path)


def with_orientation(data, orientation):
    """A JPEG whose EXIF data ask for a turn."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\x00*\x00\x00\x00\x08" + struct.pack(">H", 1) + entry + bytes(4)
    exif = b"Exif\x00\x00" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (COLOUR, COLOUR),
        (GREY, AS_COLOUR),
        (np.dstack([COLOUR, GREY]), COLOUR),
        (COLOUR.astype(np.uint16) << 8, COLOUR),
        (GREY.astype(np.uint16) << 4, AS_COLOUR),
    ],
)
def test_bits_alpha_and_grey(tmp_path, image, expected):
    path = write(tmp_path / "image.png", image)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_an_orientation_does_not_turn_the_image(tmp_path, orientation):
    path = tmp_path / "turned.jpg"
    plain = read_image(write(path, COLOUR))
    path.write_bytes(with_orientation(path.read_bytes(), orientation))
    np.testing.assert_array_equal(read_image(str(path)), plain)


def test_any_name_and_the_home(tmp_path, monkeypatch):
    (tmp_path / "höhe 目标 😀").mkdir()
    write(tmp_path / "höhe 目标 😀" / "bild 1.png", COLOUR)
    monkeypatch.setenv("HOME", str(tmp_path))
    np.testing.assert_array_equal(read_image("~/höhe 目标 😀/bild 1.png"), COLOUR)


def test_what_is_no_image_is_refused_with_the_reason(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no image")
    tall = tmp_path / "float.tiff"
    tall.write_bytes(cv2.imencode(".tiff", GREY.astype(np.float32))[1].tobytes())
    for name, reason in {
        "missing.png": "No such file",
        ".": "Is a directory",
        "empty.png": "is empty",
        "text.png": "no image can be read",
        "float.tiff": "8 or 16 bits.*float32",
        "zero\0.png": "null",
    }.items():
        with pytest.raises(ValueError, match=f"goal: .*{reason}"):
            read_image(str(tmp_path / name), "goal")
