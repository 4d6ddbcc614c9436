"""Lenses of every model: there and back, agreement with OpenCV, and pixels with no way back."""

import cv2
import numpy as np
import pytest

from cns_core import PinholeCamera

LENSES = {
    "four": (-0.2, 0.05, 1e-3, -5e-4),
    "five": (-0.2, 0.05, 1e-3, -5e-4, 0.01),
    "rational": (0.7799, -2.98028, 7.48e-4, 5.6e-5, 1.69975, 0.65722, -2.81191, 1.63024),
    "prism": (0.3, 0.1, 1e-3, 2e-4, 0.1, 0.4, 0.2, 0.05, 0.01, 2e-3, -0.01, 3e-3),
    "tilt": (0.3, 0.1, 1e-3, 2e-4, 0.1, 0.4, 0.2, 0.05, 0.01, 2e-3, -0.01, 3e-3, 0.05, -0.03),
}
WIDE = (-0.404856, 0.266958, 0.001336, 0.000190, -0.130004)
FISHEYE = (0.05, -0.01, 0.003, -0.0005)


def camera(distortion, fisheye=False, focal=500.0):
    return PinholeCamera(640, 480, focal, 1.01 * focal, 322.0, 238.0, distortion, fisheye)


def grid(of, step=7):
    x, y = np.meshgrid(np.arange(0, of.width, step), np.arange(0, of.height, step))
    return np.column_stack([x.ravel(), y.ravel()])


def gap_px(of, pixels):
    return np.linalg.norm(of.denormalize(of.normalize(pixels)) - pixels, axis=1)


@pytest.mark.parametrize("name", LENSES)
def test_every_pixel_comes_back(name):
    lens = camera(LENSES[name])
    assert gap_px(lens, grid(lens)).max() < 1e-4
    assert lens.invertible() is None


def test_a_fisheye_lens_agrees_with_opencv_and_comes_back():
    lens = camera(FISHEYE, fisheye=True, focal=300.0)
    rays = np.random.default_rng(0).uniform(-2.0, 2.0, (50, 2))
    zero = np.zeros(3)
    expected, _ = cv2.fisheye.projectPoints(
        np.column_stack([rays, np.ones(50)])[:, None], zero, zero, lens.matrix, np.array(FISHEYE)
    )
    np.testing.assert_allclose(lens.denormalize(rays), expected[:, 0], atol=1e-9)
    assert gap_px(lens, grid(lens)).max() < 1e-6


def test_an_ideal_fisheye_lens_is_no_pinhole():
    lens = camera((0.0,) * 4, fisheye=True)
    sideways = lens.normalize([[322.0 + 500.0 * np.radians(45.0), 238.0]])
    np.testing.assert_allclose(sideways, [[1.0, 0.0]], atol=1e-12)


def test_what_a_fit_folds_over_has_no_way_back_and_all_else_has():
    lens = PinholeCamera(752, 480, 554.41, 551.03, 364.61, 252.42, WIDE)
    pixels = grid(lens, 4)
    gap = gap_px(lens, pixels)
    lost = np.isnan(gap)
    assert 0.0 < lost.mean() < 0.1
    assert gap[~lost].max() < 0.05
    radius = np.linalg.norm(pixels - (364.61, 252.42), axis=1)
    assert radius[lost].min() > 380  # the corners alone


def test_the_invertible_part_leaves_out_all_that_is_lost():
    lens = PinholeCamera(752, 480, 554.41, 551.03, 364.61, 252.42, WIDE)
    clear = lens.invertible()
    assert clear.shape == (480, 752)
    assert 0.85 < clear.mean() < 0.97
    y, x = np.nonzero(clear)
    assert np.isfinite(lens.normalize(np.column_stack([x, y]))).all()


def test_directions_behind_a_fisheye_lens_are_lost():
    lens = camera(FISHEYE, fisheye=True, focal=120.0)
    assert np.isnan(lens.normalize([[0.0, 0.0]])).all()
    assert np.isfinite(lens.normalize([[322.0, 238.0]])).all()


def test_how_far_apart_cameras_see_the_same():
    lens = camera(LENSES["five"])
    assert lens.shift_px(lens) < 1e-6
    moved = PinholeCamera(640, 480, 500.0, 505.0, 322.5, 238.0, LENSES["five"])
    assert lens.shift_px(moved) == pytest.approx(0.5, abs=1e-6)
    assert lens.shift_px(PinholeCamera(320, 240, 250.0, 250.0, 160.0, 120.0)) == float("inf")
