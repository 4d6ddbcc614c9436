"""The parts of learned observers that need no network."""

from functools import partial
from threading import Event

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image
from support_worker import Submitted

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers.base import ObserverSettings
from cns_core.observers.features import Features
from cns_core.observers.frame import Frame
from cns_core.observers.learned.auto_recognition import AutoRecognition
from cns_core.observers.learned.learned_recognition import LearnedRecognition
from cns_core.observers.learned.too_little import too_little
from cns_core.observers.learned.turn_search import TurnSearch
from cns_core.observers.learned.view import View
from cns_core.observers.matching import match
from cns_core.observers.rematch import Rematcher
from cns_core.observers.sift import Sift
from cns_core.observers.tracking_observer import TrackingObserver
from cns_core.observers.verification import verify

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=319.5, cy=239.5)


@pytest.fixture(scope="module")
def photograph():
    rgb = cv2.resize(load_sample_image("china.jpg"), (640, 480))
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


class Upright:
    """Corners with the grey levels around them: as blind to turned images as a learned matcher."""

    def __init__(self):
        self.views = self.matchings = 0
        self.free = Event()
        self.free.set()

    def view(self, grey, mask=None):
        self.views += 1
        inside = np.zeros_like(grey)
        inside[16:-16, 16:-16] = 255 if mask is None else mask[16:-16, 16:-16]
        corners = cv2.goodFeaturesToTrack(grey, 400, 0.005, 5, mask=inside)[:, 0]
        x, y = np.rint(corners).astype(int).T
        steps = np.mgrid[-12:13:3, -12:13:3].reshape(2, -1, 1)
        smooth = cv2.GaussianBlur(grey, (0, 0), 3.0).astype(np.float32)
        levels = smooth[y + steps[0], x + steps[1]].T.copy()
        levels -= levels.mean(axis=1, keepdims=True)
        levels /= np.linalg.norm(levels, axis=1, keepdims=True) + 1e-6
        features = Features(corners.astype(float), levels, np.ones(len(levels)))
        return View(features, grey.shape[::-1])

    def match(self, desired, current):
        self.free.wait()
        self.matchings += 1
        return match(desired.features, current.features, cv2.NORM_L2)


def agree(desired, current):
    return verify(CAMERA.normalize(desired), CAMERA.normalize(current), 2.0 / CAMERA.focal)


def turned(photograph, angle_deg):
    A = cv2.getRotationMatrix2D((CAMERA.cx, CAMERA.cy), angle_deg, 1.0)
    return cv2.warpAffine(photograph, A, (640, 480)), A


@pytest.mark.parametrize("angle_deg", [0.0, 18.0, 90.0, 162.0, -80.0])
def test_four_turns_find_any_turn_and_the_next_image_needs_one(photograph, angle_deg):
    matcher = Upright()
    search = TurnSearch(matcher, matcher.view(photograph), agree)
    image, A = turned(photograph, angle_deg)
    found = search.find(image, None)
    assert len(found) > 100
    truth = search.pixels[found.index] @ A[:, :2].T + A[:, 2]
    assert np.median(np.linalg.norm(found.pixels - truth, axis=1)) < 0.5
    before = matcher.views, matcher.matchings
    again = search.find(image, None)
    assert len(again) >= 0.9 * len(found)
    assert (matcher.views, matcher.matchings) == (before[0] + 1, before[1] + 1)


def test_what_is_not_there_is_not_found_and_forgets_the_turn(photograph):
    matcher = Upright()
    search = TurnSearch(matcher, matcher.view(photograph), agree)
    search.find(turned(photograph, 90.0)[0], None)
    noise = np.random.default_rng(0).integers(0, 255, photograph.shape).astype(np.uint8)
    assert len(search.find(noise, None)) < 8
    before = matcher.views
    assert len(search.find(turned(photograph, 180.0)[0], None)) > 100
    assert matcher.views == before + 4


def test_no_image_waits_for_the_matcher(photograph):
    matcher, worker = Upright(), Submitted()
    observer = TrackingObserver(
        Sift(),
        CAMERA,
        ObserverSettings(max_keypoints=300),
        rematcher=Rematcher(worker, worker),
        recognition=lambda detect, norm, agree, frame, mask: LearnedRecognition(
            matcher, agree, frame, mask
        ),
    )
    observer.set_desired(photograph)
    image = turned(photograph, 90.0)[0]
    matcher.free.clear()
    assert observer.observe(image).count == 0  # answered while the matcher is at work
    assert observer.observe(image).count == 0
    assert len(worker.jobs) == 1 and not worker.jobs[0].done()
    matcher.free.set()
    worker.jobs[0].result()
    assert observer.observe(image).count > 100
    observer.close()


def test_few_matches_or_few_places_are_too_little():
    size, rng = (640, 480), np.random.default_rng(0)
    spread = rng.uniform((0, 0), size, (260, 2))
    assert not too_little(spread, size)
    assert too_little(spread[:30], size)
    assert too_little(spread * 0.2, size)
    assert too_little(np.zeros((0, 2)), size)


class Fixed:
    """A recognition that finds the same whatever it sees."""

    def __init__(self, pixels, shift):
        self.found, self.count = (pixels, pixels + shift), len(pixels)
        self.asked, self.thorough = 0, 0

    def look(self, frame):
        self.asked += 1
        return [self.found]

    def match(self, frame):
        return self.look(frame)

    def search(self, frame):
        self.thorough += 1
        return [self.found]


def test_auto_asks_the_learned_matcher_only_where_the_detector_finds_too_little(photograph):
    frame, rng = Frame.of(photograph), np.random.default_rng(0)
    spread = rng.uniform((0, 0), (640, 480), (260, 2))
    quick, learned = Fixed(spread, 3.0), Fixed(spread, 5.0)
    auto = AutoRecognition(quick, learned)
    ((desired, current),) = auto.match(frame)
    np.testing.assert_array_equal(current, spread + 3.0)
    assert (learned.asked, quick.thorough) == (0, 0)
    few = Fixed(spread[:20], 5.0)
    assert [len(desired) for desired, _ in AutoRecognition(few, learned).match(frame)] == [20, 260]
    assert few.thorough == 0  # the slow search is spared where the learned matcher has found enough
    none = AutoRecognition(few, Fixed(spread[:0], 0.0))
    assert [len(desired) for desired, _ in none.match(frame)] == [20, 0]
    assert (none.count, few.thorough) == (20, 1)


def test_a_view_takes_its_scales_and_angles_along():
    features = Features(np.arange(8.0).reshape(4, 2), np.eye(4), np.ones(4))
    view = View(features, (10, 10), np.arange(4.0), np.arange(4.0) + 10.0)
    part = view.take(np.array([2, 0]))
    assert len(part) == 2
    np.testing.assert_array_equal(part.scales, [2.0, 0.0])
    np.testing.assert_array_equal(part.angles, [12.0, 10.0])
    assert partial(View, features, (10, 10))().take(np.array([1])).scales is None
