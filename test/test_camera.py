"""Pinhole camera: pixels to the normalized plane and back, with distortion, and bad input."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cns_core import PinholeCamera

PLAIN = PinholeCamera(640, 480, 540.0, 545.0, 320.0, 240.0)
LENS = PinholeCamera(640, 480, 540.0, 545.0, 320.0, 240.0, (-0.2, 0.05, 1e-3, -5e-4, 0.0))
pixels = st.tuples(st.floats(0, 639), st.floats(0, 479))


@pytest.mark.parametrize("camera", [PLAIN, LENS])
@given(st.lists(pixels, min_size=1, max_size=20).map(np.array))
def test_pixels_survive_the_normalized_plane(camera, points):
    back = camera.denormalize(camera.normalize(points))
    np.testing.assert_allclose(back, points, atol=1e-6 if camera.distortion else 1e-9)


def test_projection_agrees_with_opencv():
    points_c = np.random.default_rng(0).uniform([-0.3, -0.2, 0.4], [0.3, 0.2, 1.0], (50, 3))
    zero = np.zeros(3)
    expected = cv2.projectPoints(points_c, zero, zero, LENS.matrix, np.array(LENS.distortion))[0]
    np.testing.assert_allclose(LENS.project(points_c), expected[:, 0], atol=1e-9)


def test_points_behind_the_camera_have_no_pixel():
    u = PLAIN.project([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(u[0], [320.0, 240.0])
    assert np.isnan(u[1:]).all()


def test_zero_distortion_is_none():
    assert PinholeCamera(640, 480, 540.0, 545.0, 320.0, 240.0, (0.0,) * 5) == PLAIN


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"width": 0}, "width"),
        ({"height": 480.5}, "height"),
        ({"fx": -1.0}, "fx"),
        ({"fy": float("nan")}, "fy"),
        ({"cx": float("inf")}, "cx"),
        ({"distortion": (0.1, 0.2)}, "distortion"),
        ({"distortion": (0.1, float("nan"), 0.0, 0.0)}, "distortion"),
    ],
)
def test_bad_intrinsics_are_named(change, named):
    good = {"width": 640, "height": 480, "fx": 540.0, "fy": 540.0, "cx": 320.0, "cy": 240.0}
    with pytest.raises(ValueError, match=named):
        PinholeCamera(**(good | change))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((480, 640, 3), np.float32),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((240, 320, 3), np.uint8),
        np.zeros(640, np.uint8),
    ],
)
def test_images_of_another_kind_are_refused(image):
    with pytest.raises(ValueError, match="image"):
        PLAIN.check_image(image)


def test_grey_and_colour_images_are_taken():
    PLAIN.check_image(np.zeros((480, 640), np.uint8))
    PLAIN.check_image(np.zeros((480, 640, 3), np.uint8))
