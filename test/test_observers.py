"""Observers on photographs warped by known homographies."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_core import VisualServo
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.two_views import fit_two_views
from cns_core.observers import BACKENDS, Observer, make_observer
from cns_core.observers.features import Features, select
from cns_core.observers.matching import match
from cns_core.observers.self_similarity import HOPELESS, SELF_SIMILAR
from cns_core.observers.verification import verify

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)


@pytest.fixture(scope="module")
def photograph():
    return cv2.resize(load_sample_image("china.jpg"), (640, 480))[:, :, ::-1].copy()


def turn(angle_deg, scale=1.0):
    """Homography of a turn about the optical axis."""
    A = cv2.getRotationMatrix2D((CAMERA.cx, CAMERA.cy), angle_deg, scale)
    return np.vstack([A, [0, 0, 1]])


def tilt(angle_deg):
    """Homography of a camera rotating about its x axis."""
    R = cv2.Rodrigues(np.array([np.radians(angle_deg), 0, 0]))[0]
    return CAMERA.matrix @ R @ np.linalg.inv(CAMERA.matrix)


def errors_px(correspondence, H):
    """Distance of the matched keypoints to where homography ``H`` puts them."""
    seen = correspondence.matched
    truth = cv2.perspectiveTransform(CAMERA.denormalize(correspondence.desired)[:, None], H)[:, 0]
    return np.linalg.norm(CAMERA.denormalize(correspondence.current) - truth, axis=1)[seen]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("angle_deg, fewest", [(0.0, 200), (2.0, 200), (90.0, 100), (179.0, 50)])
def test_finds_the_desired_keypoints_at_any_turn(photograph, name, angle_deg, fewest):
    observer = make_observer(name, CAMERA)
    observer.set_desired(photograph)
    H = turn(angle_deg)
    found = observer.observe(cv2.warpPerspective(photograph, H, (640, 480)))
    assert found.count >= fewest
    assert (errors_px(found, H) < 5.0).mean() > 0.9
    assert len(observer.desired) <= 512


def test_pure_rotation_and_change_of_scale_keep_their_matches(photograph):
    observer = make_observer("sift", CAMERA)
    observer.set_desired(photograph)
    for H in (tilt(10.0), turn(0.0, 1.3), tilt(-5.0) @ turn(30.0, 0.8)):
        found = observer.observe(cv2.warpPerspective(photograph, H, (640, 480)))
        assert found.count > 100
        assert (errors_px(found, H) < 2.0).mean() > 0.97


def test_at_the_goal_no_match_is_thrown_away(photograph):
    checked, unchecked = (make_observer("sift", CAMERA, verify=v) for v in (True, False))
    noisy = np.clip(photograph + np.random.default_rng(0).normal(0, 2, photograph.shape), 0, 255)
    counts = []
    for observer in (checked, unchecked):
        observer.set_desired(photograph)
        assert observer.observe(photograph).count > 300
        counts.append(observer.observe(noisy.astype(np.uint8)).count)
    assert counts[0] >= 0.97 * counts[1]


@pytest.mark.parametrize("name", BACKENDS)
def test_images_without_texture_are_refused_with_the_reason(photograph, name):
    observer = make_observer(name, CAMERA)
    blank = np.full((480, 640, 3), 128, np.uint8)
    with pytest.raises(ValueError, match="0 keypoints, at least 12"):
        observer.set_desired(blank)
    with pytest.raises(RuntimeError, match="set_desired first"):
        observer.observe(photograph)
    observer.set_desired(photograph)
    assert observer.observe(blank).count == 0
    with pytest.raises(ValueError, match="320x240"):
        observer.observe(blank[::2, ::2])
    with pytest.raises(ValueError, match="float64"):
        observer.set_desired(blank.astype(float))


def test_refused_image_leaves_the_goal_in_place(photograph):
    observer = make_observer("orb", CAMERA)
    observer.set_desired(photograph)
    before = observer.desired
    with pytest.raises(ValueError):
        observer.set_desired(np.zeros((480, 640), np.uint8))
    assert observer.desired is before
    assert observer.observe(photograph).count > 200


def test_another_photograph_gives_no_matches(photograph):
    observer = make_observer("sift", CAMERA)
    observer.set_desired(photograph)
    assert observer.observe(cv2.resize(load_sample_image("flower.jpg"), (640, 480))).count < 8


@pytest.mark.parametrize("tracking", [False, True])
def test_a_goal_that_repeats_itself_is_refused_and_the_old_one_stays(photograph, tracking):
    tile = cv2.resize(photograph, (80, 60), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0.0, 2.0, (480, 640, 3))
    tiles = np.clip(np.tile(tile, (8, 8, 1)) + noise, 0, 255).astype(np.uint8)
    with closing(make_observer("sift", CAMERA, tracking=tracking)) as observer:
        observer.set_desired(photograph)
        before, share = observer.desired, observer.self_similar
        assert share < 0.2
        with pytest.raises(ValueError, match="9. % of its keypoints look the same elsewhere"):
            observer.set_desired(tiles)
        assert observer.desired is before and observer.self_similar == share


@pytest.fixture(scope="module")
def dirty_tiles(photograph):
    """A floor of 15 x 12 equal tiles of 80 x 80 px, with spots of dirt that tell them apart."""
    floor = np.tile(cv2.resize(photograph, (80, 80), interpolation=cv2.INTER_AREA), (12, 15, 1))
    rng = np.random.default_rng(0)
    for _ in range(120):
        x, y, radius, grey = rng.integers((0, 0, 2, 0), (1200, 960, 5, 255)).tolist()
        cv2.circle(floor, (x, y), radius, (grey, grey, grey), -1)
    return floor


@pytest.mark.parametrize("tracking", [False, True])
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("shift", [43, 80, 160])
def test_tiles_with_dirt_are_found_where_they_are_and_not_a_period_off(
    dirty_tiles, name, tracking, shift
):
    def view(x):
        noise = np.random.default_rng(x).normal(0.0, 2.0, (480, 640, 3))
        return np.clip(dirty_tiles[150:630, x : x + 640] + noise, 0, 255).astype(np.uint8)

    with closing(make_observer(name, CAMERA, tracking=tracking, background=False)) as observer:
        observer.set_desired(view(200))
        assert SELF_SIMILAR < observer.self_similar < HOPELESS
        for _ in range(3):
            found = observer.observe(view(200 + shift))
    moved = np.median((found.current - found.desired)[found.matched] * CAMERA.fx, axis=0)
    np.testing.assert_allclose(moved, (-shift, 0.0), atol=2.0)


def test_a_goal_that_repeats_itself_in_part_is_told_apart():
    board = np.add.outer(np.arange(280) // 40, np.arange(400) // 40) % 2
    table = np.full((480, 640), 170, np.uint8)
    table[100:380, 120:520] = 255 * board
    observer = make_observer("sift", CAMERA)
    observer.set_desired(table)
    assert SELF_SIMILAR < observer.self_similar < HOPELESS


@pytest.mark.parametrize("tracking", [False, True])
def test_what_a_lens_folds_over_gives_no_keypoints(photograph, tracking):
    lens = PinholeCamera(640, 480, 400.0, 400.0, 320.0, 240.0, (-0.5, 0.0, 0.0, 0.0))
    with closing(make_observer("sift", lens, tracking=tracking, background=False)) as observer:
        observer.set_desired(photograph)
        assert np.isfinite(observer.desired).all()
        radius = np.linalg.norm(lens.denormalize(observer.desired) - (320, 240), axis=1)
        assert 150 < radius.max() < 220
        moved = np.roll(photograph, 20, axis=1)
        found = observer.observe(moved)
        assert found.count > 20
        shift = lens.denormalize(found.current) - lens.denormalize(found.desired)
        assert abs(np.median(shift[found.matched, 0]) - 20.0) < 0.2


def test_another_camera_keeps_the_goal_and_moves_what_is_seen(photograph):
    observer = make_observer("sift", CAMERA)
    observer.set_desired(photograph)
    goal = observer.desired
    zoomed = PinholeCamera(640, 480, 1.01 * CAMERA.fx, 1.01 * CAMERA.fy, CAMERA.cx, CAMERA.cy)
    observer.recalibrate(zoomed)
    found = observer.observe(photograph)
    assert found.same_target(goal)
    np.testing.assert_allclose(1.01 * found.current[found.matched], goal[found.matched], atol=1e-3)
    with pytest.raises(ValueError, match="must stay 640x480 pixels, got 320x240"):
        observer.recalibrate(PinholeCamera(320, 240, 270.0, 270.0, 160.0, 120.0))


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ({"name": "surf"}, "akaze.*orb.*sift"),
        ({"name": "sift", "max_keypoints": 3}, "max_keypoints=3"),
        ({"name": "sift", "mask": np.ones((4, 4))}, r"mask must be \(480, 640\)"),
    ],
)
def test_bad_arguments_are_named(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        make_observer(camera=CAMERA, **arguments)


def test_keypoints_stay_inside_the_mask(photograph):
    mask = np.zeros((480, 640), bool)
    mask[:, 320:] = True
    observer = make_observer("sift", CAMERA, mask=mask)
    observer.set_desired(photograph)
    assert (CAMERA.denormalize(observer.desired)[:, 0] >= 319).all()


def test_lens_distortion_is_removed(photograph):
    lens = PinholeCamera(640, 480, 540.0, 540.0, 320.0, 240.0, distortion=(-0.2, 0.05, 0, 0))
    observer = make_observer("sift", lens)
    observer.set_desired(photograph)
    pixels = lens.denormalize(observer.desired)
    np.testing.assert_allclose(lens.normalize(pixels), observer.desired, atol=5e-5)
    assert np.abs(observer.desired - CAMERA.normalize(pixels)).max() > 0.005


def test_selection_covers_the_image_and_keeps_the_strong():
    rng = np.random.default_rng(1)
    crowd = rng.uniform(0, 50, (500, 2))
    few = rng.uniform(50, 640, (50, 2))
    pixels = np.vstack([crowd, few])
    response = np.concatenate([rng.uniform(0.5, 1.0, 500), rng.uniform(0.1, 0.4, 50)])
    kept = select(pixels, response, 60)
    assert len(set(kept)) == len(kept) <= 60
    assert (kept >= 500).sum() > 30
    assert response.argmax() in kept
    distance = np.linalg.norm(pixels[kept][:, None] - pixels[kept][None], axis=2)
    assert (distance + np.eye(len(kept)) * 99).min() >= 3.0


def test_matching_is_one_to_one_and_rejects_the_ambiguous():
    a, b, c = (np.eye(8, dtype=np.float32)[k] * 100 for k in range(3))
    desired = Features(np.zeros((3, 2)), np.stack([a, a + 1, b]), np.zeros(3))
    current = Features(np.zeros((4, 2)), np.stack([b + 1, b - 1, a, c]), np.zeros(4))
    i, j = match(desired, current, cv2.NORM_L2)
    assert list(i) == [0] and list(j) == [2]


def two_views(rng, count, motion, translation, depth_spread):
    """Normalized projections of random points before and after a camera motion."""
    points = np.column_stack([rng.uniform(-0.4, 0.4, (count, 2)), np.ones(count)])
    points *= 0.6 + depth_spread * rng.uniform(-1, 1, (count, 1))
    moved = points @ cv2.Rodrigues(np.array(motion, float))[0].T + translation
    return points[:, :2] / points[:, 2:], moved[:, :2] / moved[:, 2:]


@pytest.mark.parametrize(
    "motion, translation, depth_spread",
    [
        ([0.1, 0.2, 1.0], [0.1, 0.0, 0.1], 0.1),
        ([0.1, 0.2, 1.0], [0.1, 0.0, 0.1], 0.0),
        ([0.1, -0.2, 0.5], [0.0, 0.0, 0.0], 0.1),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 0.1),
        ([0.0, 0.0, 0.0], [0.1, 0.0, 0.0], 0.1),
    ],
    ids=["general", "plane", "pure rotation", "goal", "pure translation"],
)
@pytest.mark.parametrize("count", [6, 10, 200])
def test_verification_keeps_true_matches_of_every_motion(motion, translation, depth_spread, count):
    rng = np.random.default_rng(count)
    desired, current = two_views(rng, count, motion, translation, depth_spread)
    current += rng.normal(0, 0.3 / 540, current.shape)
    kept = verify(desired, current, 2.0 / 540)
    assert kept.mean() > 0.8
    if count == 200:
        wrong = rng.random(count) < 0.3
        current[wrong] = rng.uniform(-0.4, 0.4, (wrong.sum(), 2))
        kept = verify(desired, current, 2.0 / 540)
        assert kept[~wrong].mean() > 0.9
        assert kept[wrong].mean() < 0.1


@pytest.mark.parametrize("count", [45, 150])
def test_near_the_goal_verification_is_reliable(count):
    """A small turn about the scene: a homography explains nearly all, and what it misses counts."""
    kept_true, kept_false = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        share = rng.uniform(0.0, 1.0)
        motion, translation = [0.0, 0.06 * share, 0.0], [-0.036 * share, 0.0, 0.0]
        desired, current = two_views(rng, count, motion, translation, 0.05)
        current += rng.normal(0, 0.3 / 540, current.shape)
        wrong = rng.random(count) < 0.1
        current[wrong] = rng.uniform(-0.4, 0.4, (wrong.sum(), 2))
        kept = verify(desired, current, 2.0 / 540)
        kept_true.append(kept[~wrong].mean())
        kept_false.append(kept[wrong].mean())
    assert min(kept_true) > 0.9 and np.mean(kept_true) > 0.99
    assert np.mean(kept_false) < 0.1


@pytest.mark.parametrize("depth_spread, planar", [(0.0, True), (0.1, False)])
def test_the_simplest_geometry_that_explains_all_is_chosen(depth_spread, planar):
    rng = np.random.default_rng(0)
    desired, current = two_views(rng, 100, [0.1, 0.2, 1.0], [0.1, 0.0, 0.1], depth_spread)
    found = fit_two_views(desired, current, 2.0 / 540, 0.95)
    assert (found.homography is not None) == planar
    assert (found.essential is not None) == (not planar)
    assert found.agree.mean() > 0.95
    lenient = fit_two_views(desired, current, 2.0 / 540, 0.0)
    assert lenient.homography is not None and lenient.essential is None


class Shifted(Observer):
    """Somebody's own observer: the smallest that there can be."""

    def __init__(self):
        self.desired = None

    def set_desired(self, image):
        self.desired = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))

    def observe(self, image):
        return Correspondence(self.desired, self.desired + (0.05, 0.0), np.ones(20, bool))


def test_an_observer_of_ones_own_serves(photograph):
    observer = Shifted()
    with VisualServo(CAMERA, observer, "ibvs") as servo:
        servo.set_desired(photograph)
        step = servo.step(photograph, time=0.0)
        observer.prepare()
    assert step.error == pytest.approx(0.05)
    assert step.correspondence.count == 20
    assert step.twist[0] > 0.01


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_matches_are_not_trusted(count):
    assert not verify(np.zeros((count, 2)), np.zeros((count, 2)), 0.004).any()
