"""camera_info as drivers send it: binning, regions, lens models, rectified images."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from cns_core import PinholeCamera
from cns_ros.ros.camera_info import camera_from_info, info_from_camera, size_in_words

K = [1080.0, 0.0, 640.0, 0.0, 1070.0, 480.0, 0.0, 0.0, 1.0]
P = [900.0, 0.0, 630.0, -54.0, 0.0, 910.0, 470.0, 0.0, 0.0, 0.0, 1.0, 0.0]
RATIONAL = [4.6, 1.3, 1e-3, -2e-4, 0.1, 4.9, 3.1, 0.4]


def info(binning=(0, 0), roi=(0, 0, 0, 0), **fields):
    message = CameraInfo(**({"width": 1280, "height": 960, "k": K, "p": P} | fields))
    message.binning_x, message.binning_y = binning
    message.roi.x_offset, message.roi.y_offset, message.roi.width, message.roi.height = roi
    return message


def full_pixels(pixels, binning, offset):
    """Where the centres of binned, cropped pixels lie in the full image."""
    b = np.array(binning)
    return np.asarray(pixels) * b + 0.5 * (b - 1) + offset


@pytest.mark.parametrize("binning", [(1, 1), (2, 2), (4, 2), (0, 2)])
@pytest.mark.parametrize("roi", [(0, 0, 0, 0), (320, 240, 640, 480), (8, 4, 1272, 956)])
@pytest.mark.parametrize("distortion", [[], [-0.1, 0.02, 1e-3, 0.0, 0.0]])
def test_a_binned_cropped_pixel_sees_what_the_full_image_sees_there(binning, roi, distortion):
    full = camera_from_info(info(d=distortion))
    small = camera_from_info(info(binning, roi, d=distortion))
    factor = np.maximum(binning, 1)
    width, height = roi[2:] if any(roi) else (1280, 960)
    assert (small.width, small.height) == (width // factor[0], height // factor[1])
    pixels = np.array([[0.0, 0.0], [10.0, 20.0], [100.5, 99.0]])
    there = full_pixels(pixels, factor, roi[:2])
    np.testing.assert_allclose(small.normalize(pixels), full.normalize(there), atol=1e-9)


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (info(roi=(1000, 0, 640, 480)), "1280x960, roi 640x480 at (1000, 0)"),
        (info((1281, 1)), "binning 1281x1"),
    ],
)
def test_what_contradicts_itself_is_refused(message, seen):
    with pytest.raises(ValueError, match="contradicts itself") as refusal:
        camera_from_info(message)
    assert seen in str(refusal.value)


@pytest.mark.parametrize(
    ("model", "coefficients", "count"),
    [
        ("plumb_bob", [-0.03, 0.035, -1e-4, -1e-4], 4),
        ("plumb_bob", [-0.03, 0.035, -1e-4, -1e-4, 0.01], 5),
        ("plumb_bob", RATIONAL, 8),
        ("plumb_bob", [0.0] * 5, 0),
        ("rational_polynomial", RATIONAL, 8),
        ("rational_polynomial", RATIONAL + [0.01] * 4, 12),
        ("rational_polynomial", RATIONAL + [0.0] * 6, 14),
        ("rational_polynomial", [0.0] * 12, 0),
        ("equidistant", [0.1, 0.01, 0.0, 0.0], 4),
        ("equidistant", [0.0] * 4, 0),
        ("none", [], 0),
        ("", [], 0),
        ("something else", [0.0] * 5, 0),
    ],
)
def test_lens_models(model, coefficients, count):
    camera = camera_from_info(info(distortion_model=model, d=coefficients))
    assert len(camera.distortion) == count
    assert camera.fisheye == (model == "equidistant" and count > 0)
    assert camera_from_info(info_from_camera(camera, Header())) == camera


def test_of_rectified_images_p_holds_without_distortion():
    camera = camera_from_info(info(d=[-0.1, 0.02, 0.0, 0.0, 0.0]), rectified=True)
    assert camera == PinholeCamera(1280, 960, 900.0, 910.0, 630.0, 470.0)


def test_rectified_images_need_p():
    with pytest.raises(ValueError, match="P is zero.*rectified:=false"):
        camera_from_info(info(p=[0.0] * 12), rectified=True)


def with_k(place, value):
    return [*K[:place], value, *K[place + 1 :]]


@pytest.mark.parametrize(
    ("k", "seen"),
    [
        (with_k(0, 0.0035), "fx = 0.0035 for 1280x960 pixels"),  # in metres
        (with_k(4, 1e7), "fy = 1e.07"),
        (with_k(2, 1e9), "cx = 1e.09"),
        (with_k(5, -961.0), "cy = -961"),
        (with_k(0, float("nan")), "fx must be finite and positive .pixels., got nan"),
        (with_k(4, -540.0), "fy must be finite and positive .pixels., got -540.0"),
    ],
)
def test_numbers_that_no_camera_has_are_refused(k, seen):
    with pytest.raises(ValueError, match=seen):
        camera_from_info(info(k=k))


@pytest.mark.parametrize("focal", [0.3 * 1280, 100 * 1280])
def test_fisheyes_and_telescopes_are_cameras(focal):
    assert camera_from_info(info(k=with_k(0, float(focal)))).fx == focal


def test_a_size_in_words():
    assert size_in_words(info()) == "1280x960"
    words = size_in_words(info((2, 1), (8, 4, 640, 480)))
    assert words == "1280x960, binning 2x1, roi 640x480 at (8, 4)"
