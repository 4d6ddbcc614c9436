"""The tracking observer on photographs warped by known homographies."""

import os
import sys
import threading
from contextlib import closing

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image
from support_photograph import CAMERA, tilted
from support_worker import Submitted

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import BACKENDS, base, local_affine, make_observer, recognition
from cns_core.observers.akaze import Akaze
from cns_core.observers.alignment import PatchAligner
from cns_core.observers.base import ObserverSettings
from cns_core.observers.blur import Blur
from cns_core.observers.corners import find_corners
from cns_core.observers.desired_patches import DesiredPatches
from cns_core.observers.executors import patient_worker, prompt_worker
from cns_core.observers.frame import Frame
from cns_core.observers.matching_schedule import MatchingSchedule
from cns_core.observers.orb import Orb
from cns_core.observers.recognition import Recognition
from cns_core.observers.rematch import Rematcher
from cns_core.observers.sift import Sift
from cns_core.observers.sighted import Sighted
from cns_core.observers.template import Template
from cns_core.observers.track import Track
from cns_core.observers.tracker import Tracker
from cns_core.observers.tracking_observer import TrackingObserver
from cns_core.observers.verification import verify

SETTINGS = ObserverSettings(max_keypoints=300)


@pytest.fixture(scope="module")
def photograph():
    """A sharp photograph without the noise of its compression."""
    image = cv2.resize(load_sample_image("china.jpg"), (1280, 960), interpolation=cv2.INTER_CUBIC)
    return image[:, :, ::-1].copy()


@pytest.fixture
def observer(backend):
    made = TrackingObserver(backend, CAMERA, SETTINGS, rematcher=Rematcher.inline())
    yield made
    made.close()


def view(photograph, H=None, rng=None, light=1.0):
    """The photograph as seen after homography ``H`` (pixels), each pixel averaging four samples."""
    twice = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5], [0, 0, 1]])
    H = np.eye(3) if H is None else H
    fine = cv2.warpPerspective(
        photograph, twice @ H @ np.linalg.inv(twice), (1280, 960), flags=cv2.INTER_LANCZOS4
    )
    image = light * cv2.resize(fine, (640, 480), interpolation=cv2.INTER_AREA).astype(float)
    if rng is not None:
        image += rng.normal(0, 2, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def through(lens, photograph, H, rng):
    """As :func:`view`, through a lens that distorts; four samples a pixel."""
    u, v = np.meshgrid(np.arange(1280), np.arange(960))
    distorted = 0.5 * np.stack([u, v], axis=-1).reshape(-1, 2) - 0.25
    ideal = CAMERA.denormalize(lens.normalize(distorted))
    source = 2.0 * cv2.perspectiveTransform(ideal[:, None], np.linalg.inv(H)) + 0.5
    at = source.reshape(960, 1280, 2).astype(np.float32)
    fine = cv2.remap(photograph, at, None, cv2.INTER_LANCZOS4)
    image = cv2.resize(fine, (640, 480), interpolation=cv2.INTER_AREA).astype(float)
    image += rng.normal(0, 2, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def turn(angle_deg, scale=1.0, shift=(0.0, 0.0)):
    """Homography of a turn about the image centre, a change of scale and a shift in pixels."""
    A = cv2.getRotationMatrix2D((CAMERA.cx, CAMERA.cy), angle_deg, scale)
    A[:, 2] += shift
    return np.vstack([A, [0, 0, 1]])


def errors_px(correspondence, H):
    """Distance of the matched keypoints to where homography ``H`` puts them."""
    truth = cv2.perspectiveTransform(CAMERA.denormalize(correspondence.desired)[:, None], H)[:, 0]
    gap = np.linalg.norm(CAMERA.denormalize(correspondence.current) - truth, axis=1)
    return gap[correspondence.matched]


def frame_of(image):
    return Frame.of(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def agree(desired, current):
    """Whether pairs of pixels agree on one motion."""
    return verify(CAMERA.normalize(desired), CAMERA.normalize(current), 2.0 / CAMERA.focal)


class Watched:
    """A backend that notes the sizes of the images it is shown, and may be told to refuse them."""

    def __init__(self, backend):
        self.norm = backend.norm
        self.sizes, self.refuses = [], False
        self._backend = backend

    def detect(self, grey, mask=None):
        assert not self.refuses, "matched"
        self.sizes.append(grey.shape)
        return self._backend.detect(grey, mask)


@pytest.fixture
def backend():
    return Watched(Akaze())


@pytest.mark.parametrize("name", BACKENDS)
def test_follows_and_refines_with_every_backend(photograph, name):
    rng = np.random.default_rng(0)
    observer = make_observer(name, CAMERA, tracking=True, background=False)
    observer.set_desired(view(photograph, rng=rng))
    desired = observer.desired.copy()
    for angle_deg in (60.0, 54.0, 48.0, 43.0):
        H = turn(angle_deg, 0.9, (0.4 * angle_deg, -0.3 * angle_deg))
        found = observer.observe(view(photograph, H, rng))
        assert found.count > 0.5 * len(desired)
        assert np.median(errors_px(found, H)) < 0.15
        assert found.desired is observer.desired
    np.testing.assert_array_equal(observer.desired, desired)


def test_near_the_goal_three_times_as_precise_as_plain_matching(photograph, observer):
    rng = np.random.default_rng(1)
    plain = make_observer("sift", CAMERA)
    desired = view(photograph, rng=rng)
    observer.set_desired(desired)
    plain.set_desired(desired)
    errors = {observer: [], plain: []}
    for shift in (2.3, 1.1, 0.4):
        H = turn(0.5 * shift, 1.0 + 0.01 * shift, (shift, -0.7 * shift))
        image = view(photograph, H, rng)
        for each, found in errors.items():
            found.append(np.median(errors_px(each.observe(image), H)))
    assert np.median(errors[observer]) < np.median(errors[plain]) / 3
    assert np.median(errors[observer]) < 0.04


def test_light_that_halves_between_two_frames_costs_nothing(photograph, observer):
    rng = np.random.default_rng(2)
    observer.set_desired(view(photograph, rng=rng))
    before = observer.observe(view(photograph, turn(5.0), rng))
    after = observer.observe(view(photograph, turn(4.0), rng, light=0.5))
    assert after.count > 0.9 * before.count
    assert np.median(errors_px(after, turn(4.0))) < 0.08


def test_keypoints_behind_an_occluder_come_back_without_matching(photograph, observer, backend):
    rng = np.random.default_rng(3)
    observer.set_desired(view(photograph, rng=rng))
    free = observer.observe(view(photograph, turn(8.0), rng))
    backend.refuses = True
    hidden = view(photograph, turn(7.0), rng)
    hidden[:, 200:400] = cv2.resize(load_sample_image("flower.jpg"), (200, 480))
    covered = observer.observe(hidden)
    assert covered.count < 0.85 * free.count
    assert (errors_px(covered, turn(7.0)) < 1.0).mean() > 0.97
    for angle_deg in (6.0, 5.5, 5.0):
        again = observer.observe(view(photograph, turn(angle_deg), rng))
    assert again.count > 0.95 * free.count
    assert (errors_px(again, turn(5.0)) < 1.0).mean() > 0.97


def test_an_occluder_that_covers_half_the_keypoints_at_once_takes_no_other_with_it(
    photograph, observer
):
    rng = np.random.default_rng(4)
    observer.set_desired(view(photograph, rng=rng))
    free = observer.observe(view(photograph, turn(8.0), rng))
    hidden = view(photograph, turn(7.8), rng)
    hidden[:, 100:460] = cv2.resize(load_sample_image("flower.jpg"), (360, 480))
    covered = observer.observe(hidden)
    before = CAMERA.denormalize(free.current)[:, 0]
    beside = free.matched & ((before < 85) | (before > 475))
    assert 0.3 < beside.sum() / free.count < 0.5
    assert covered.matched[beside].mean() > 0.9
    assert np.median(errors_px(covered, turn(7.8))) < 0.05


def test_keypoints_that_left_the_view_come_back_without_matching(
    photograph, observer, backend, monkeypatch
):
    away = [turn(0.0, 1.0, (shift, 0.0)) for shift in (0.0, 80.0, 160.0, 240.0, 300.0)]
    observer.set_desired(view(photograph))
    whole = observer.observe(view(photograph, away[0])).count
    backend.refuses = True
    monkeypatch.setattr(MatchingSchedule, "due", lambda *_: False)
    counts = [observer.observe(view(photograph, H)).count for H in away]
    assert counts[-1] < 0.65 * whole
    for H in [*away[::-1], away[0], away[0]]:
        found = observer.observe(view(photograph, H))
    assert found.count > 0.95 * whole
    assert np.median(errors_px(found, away[0])) < 0.05


def test_matches_at_a_set_rate_even_if_nothing_is_lost(photograph):
    frames = []

    class Noted(Recognition):
        def match(self, frame):
            frames.append(k)
            return super().match(frame)

    made = TrackingObserver(
        Orb(),
        CAMERA,
        SETTINGS,
        rematcher=Rematcher.inline(),
        rematch_every=4,
        recognition=Noted,
    )
    made.set_desired(view(photograph))
    for k in range(12):
        assert made.observe(view(photograph, turn(0.2 * k))).count > 150
    assert frames == [0, 4, 8]
    with pytest.raises(ValueError, match="rematch_every .*got 0"):
        make_observer("orb", CAMERA, tracking=True, rematch_every=0)


def columns(track):
    """All that a track holds, what was sighted one by one."""
    others = [value for name, value in vars(track).items() if name != "sighted"]
    return [*vars(track.sighted).values(), *others]


def test_a_track_stays_what_it_was(photograph):
    desired = frame_of(view(photograph))
    patches = DesiredPatches(desired, 300, None)
    tracker = Tracker(patches, agree)
    found = tracker.merge(
        Track.begin(patches.anchors).lost_in(desired.half),
        desired,
        [(patches.anchors[::9], patches.anchors[::9])],
    )
    first = tracker.settle(found, Track.begin(patches.anchors), anew=True)
    assert first.count > 150
    before = [np.copy(value) for value in columns(first)]
    next_frame = frame_of(view(photograph, turn(2.0)))
    outcomes = [
        tracker.settle(tracker.follow(first, next_frame), first, anew=False) for _ in range(2)
    ]
    assert outcomes[0].frame == first.frame + 1
    assert np.linalg.norm(outcomes[0].velocity, axis=1).max() > 1.0
    for was, now in zip(before, columns(first), strict=True):
        np.testing.assert_array_equal(was, now)
    for one, other in zip(*(columns(track) for track in outcomes), strict=True):
        np.testing.assert_array_equal(one, other)


def two_motions(photograph):
    """A view whose left part moved differently from its right."""
    image = view(photograph, turn(3.0, 1.02, (5.0, 0.0)))
    image[:, :200] = view(photograph, turn(-3.0, 1.02, (-5.0, 9.0)))[:, :200]
    return image


@pytest.mark.parametrize("tracking", [True, False])
def test_without_verification_geometry_decides_nothing(photograph, tracking, monkeypatch):
    options = {"tracking": True, "background": False} if tracking else {}
    counts = []
    for verified in (True, False):
        if not verified:
            monkeypatch.setattr(base, "verify_scene", lambda *_: pytest.fail("verified"))
        made = make_observer("sift", CAMERA, verify=verified, **options)
        made.set_desired(view(photograph))
        made.observe(two_motions(photograph))
        found = made.observe(two_motions(photograph))
        x = CAMERA.denormalize(found.current[found.matched])[:, 0]
        counts.append((x < 180).sum())
    assert counts[1] > 1.5 * counts[0]


def test_keypoints_that_move_behind_the_mask_are_not_reported(photograph):
    mask = np.ones((480, 640), bool)
    mask[300:, 200:450] = False
    made = make_observer("sift", CAMERA, tracking=True, background=False, mask=mask)
    made.set_desired(view(photograph))
    for shift in range(0, 130, 10):
        found = made.observe(view(photograph, turn(0.0, 1.0, (0.0, shift))))
        x, y = np.rint(CAMERA.denormalize(found.current[found.matched])).astype(int).T
        assert len(x) > 80
        assert mask[y, x].all()
    start = CAMERA.denormalize(found.desired[~found.matched])
    hidden = (start[:, 0] > 210) & (start[:, 0] < 440) & (start[:, 1] > 200) & (start[:, 1] < 300)
    assert hidden.sum() > 20  # the mask did hide keypoints


@pytest.mark.slow
@pytest.mark.parametrize("tracking", [True, False])
def test_a_distorting_lens_costs_no_precision(photograph, tracking):
    lens = PinholeCamera(
        640, 480, 540.0, 540.0, 320.0, 240.0, distortion=(-0.25, 0.08, 1e-3, -2e-3)
    )
    rng = np.random.default_rng(5)
    options = {"tracking": True, "background": False} if tracking else {}
    made = make_observer("sift", lens, **options)
    made.set_desired(through(lens, photograph, np.eye(3), rng))
    for angle_deg in (20.0, 14.0, 8.0, 3.0):
        H = turn(angle_deg, 0.95, (angle_deg, -0.5 * angle_deg))
        found = made.observe(through(lens, photograph, H, rng))
        seen = found.matched
        plane = np.linalg.inv(CAMERA.matrix) @ H @ CAMERA.matrix
        truth = cv2.perspectiveTransform(found.desired[:, None], plane)[:, 0]
        error = CAMERA.focal * (found.current - truth)[seen]
        assert seen.sum() > 100
        assert np.abs(np.median(error, axis=0)).max() < 0.05
        if tracking:
            far = np.abs(lens.denormalize(found.current)[seen] - (320, 240)).max(axis=1) > 200
            assert np.median(np.linalg.norm(error, axis=1)) < 0.1
            assert np.median(np.linalg.norm(error[far], axis=1)) < 0.1


def test_simulated_views_reach_where_plain_matching_fails(photograph, monkeypatch):
    H = tilted(71.0)
    counts = {}
    for simulated in (False, True):
        if not simulated:
            monkeypatch.setattr(recognition, "detect_simulated", lambda *_: [])
        backend = Orb()
        made = Recognition(backend.detect, backend.norm, agree, frame_of(view(photograph)))
        (found,) = made.match(frame_of(view(photograph, H)))
        truth = cv2.perspectiveTransform(found[0][:, None], H)[:, 0]
        counts[simulated] = (np.linalg.norm(found[1] - truth, axis=1) < 4.0).sum()
        monkeypatch.undo()
    assert counts[False] < 15
    assert counts[True] > 50


def test_near_views_are_recognized_at_half_size_alone(photograph, observer, backend):
    observer.set_desired(view(photograph))
    backend.sizes.clear()
    assert observer.observe(view(photograph, turn(20.0))).count > 150
    assert backend.sizes == [(240, 320)]


def test_recovers_after_losing_everything(photograph, observer):
    observer.set_desired(view(photograph))
    assert observer.observe(view(photograph, turn(5.0))).count > 150
    assert observer.observe(np.full((480, 640, 3), 90, np.uint8)).count == 0
    H = turn(-70.0)
    counts = [observer.observe(view(photograph, H)).count for _ in range(12)]
    assert counts[-1] > 100
    assert np.median(errors_px(observer.observe(view(photograph, H)), H)) < 0.1


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_motion_of_the_image_needs_four_points_that_agree(count):
    rng = np.random.default_rng(count)
    points = rng.uniform(0, 600, (count, 2))
    affine = np.array([[0.9, 0.1, 5.0], [-0.1, 0.9, 7.0]])
    found = local_affine.fit_consensus(points, points @ affine[:, :2].T + affine[:, 2])
    if count < 4:
        assert found is None
    else:
        np.testing.assert_allclose(found, affine, atol=1e-3)
    on_a_line = points[:, :1] * (1.0, 2.0)
    assert local_affine.fit_consensus(on_a_line, rng.uniform(0, 600, (count, 2))) is None


def test_matches_stand_in_where_nothing_can_be_aligned(photograph, observer, monkeypatch):
    """As on deep scenes seen from far aside: descriptors are alike, patches are not."""

    def nothing(self, frame, guess, *others):
        return Sighted.nowhere(guess)

    monkeypatch.setattr(DesiredPatches, "align", nothing)
    monkeypatch.setattr(DesiredPatches, "blur", lambda self, *others: Blur())
    observer.set_desired(view(photograph))
    for k in range(6):
        H = turn(10.0 - 0.5 * k, 1.0, (2.0 * k, 0.0))
        found = observer.observe(view(photograph, H))
        gap = errors_px(found, H)
        assert found.count > 40
        assert (gap < 3.0).mean() > 0.95
    assert observer.observe(np.full((480, 640, 3), 90, np.uint8)).count == 0


def test_another_scene_gives_no_keypoints(photograph, observer):
    observer.set_desired(view(photograph))
    other = cv2.resize(load_sample_image("flower.jpg"), (640, 480))
    assert max(observer.observe(other).count for _ in range(3)) < 8


def test_a_new_goal_forgets_the_old_one(photograph, observer):
    observer.set_desired(view(photograph))
    observer.observe(view(photograph))
    H = turn(90.0)
    observer.set_desired(view(photograph, H))
    found = observer.observe(view(photograph, H))
    assert found.count > 0.9 * len(observer.desired)
    assert np.median(errors_px(found, np.eye(3))) < 0.01


def test_blank_images_and_wrong_sizes_are_refused(photograph, observer):
    with pytest.raises(RuntimeError, match="set_desired first"):
        observer.observe(view(photograph))
    with pytest.raises(ValueError, match="0 keypoints, at least 12"):
        observer.set_desired(np.full((480, 640), 77, np.uint8))
    observer.set_desired(view(photograph))
    with pytest.raises(ValueError, match="320x240"):
        observer.observe(view(photograph)[::2, ::2])


def test_no_frame_waits_for_the_worker(photograph):
    release, worker = threading.Event(), Submitted()

    class HeldUp(Recognition):
        def match(self, frame):
            assert release.wait(30)
            return super().match(frame)

    observer = TrackingObserver(
        Sift(), CAMERA, SETTINGS, rematcher=Rematcher(worker, worker), recognition=HeldUp
    )
    observer.set_desired(view(photograph))
    angles = [20.0, 19.0, 18.0]
    assert [observer.observe(view(photograph, turn(a))).count for a in angles] == [0, 0, 0]
    (job,) = worker.jobs
    release.set()
    job.result(timeout=30)
    found = observer.observe(view(photograph, turn(17.0)))
    assert found.count > 100
    assert np.median(errors_px(found, turn(17.0))) < 0.1
    observer.close()
    assert not any(thread.name.startswith("rematch") for thread in threading.enumerate())


def test_what_comes_back_into_view_does_not_wait_for_a_search(photograph):
    release, looks, searches = threading.Event(), Submitted(), Submitted()

    class HeldUp(Recognition):
        def search(self, frame):
            assert release.wait(30)
            return super().search(frame)

    observer = TrackingObserver(
        Orb(), CAMERA, SETTINGS, rematcher=Rematcher(looks, looks, searches), recognition=HeldUp
    )
    with closing(observer):
        observer.set_desired(view(photograph))
        while not searches.jobs:
            assert observer.observe(np.full((480, 640), 90, np.uint8)).count == 0
            looks.jobs[-1].result(timeout=30)
        for _ in range(MatchingSchedule._SHORTEST + 2):
            found = observer.observe(view(photograph, turn(17.0)))
            looks.jobs[-1].result(timeout=30)
        assert found.count > 100 and not searches.jobs[0].done()
        release.set()


def test_what_was_hidden_for_a_while_is_found_where_it_was_without_matching(
    photograph, observer, backend, monkeypatch
):
    rng = np.random.default_rng(3)
    observer.set_desired(view(photograph, rng=rng))
    free = observer.observe(view(photograph, turn(8.0), rng))
    backend.refuses = True
    monkeypatch.setattr(MatchingSchedule, "due", lambda *_: False)
    hand = cv2.resize(load_sample_image("flower.jpg"), (640, 480))
    assert max(observer.observe(hand).count for _ in range(10)) < 8
    H = turn(7.0, 1.0, (15.0, -10.0))
    back = [observer.observe(view(photograph, H, rng)) for _ in range(3)]
    assert back[0].count > 0.3 * free.count and back[-1].count > 0.9 * free.count
    assert np.median(errors_px(back[-1], H)) < 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives threads their priority")
@pytest.mark.parametrize("patient", [True, False])
def test_frames_go_before_a_matching_that_can_wait(patient):
    niceness = []

    def match(frame):
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return []

    rematcher = Rematcher(prompt_worker(), patient_worker())
    rematcher.submit(match, Frame.of(np.zeros((480, 640), np.uint8)), patient)
    rematcher.close()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness == ([min(max(own, 10), 19)] if patient else [own])


def test_a_matching_that_fails_is_not_hidden():
    def broken(frame):
        raise ArithmeticError("no")

    worker = Submitted()
    rematcher = Rematcher(worker, worker)
    frame = Frame.of(np.zeros((480, 640), np.uint8))
    rematcher.submit(broken, frame, patient=True)
    assert isinstance(worker.jobs[0].exception(timeout=30), ArithmeticError)
    with pytest.raises(ArithmeticError):
        rematcher.poll(frame.half)
    assert rematcher.poll(frame.half) == []
    rematcher.close()


def test_futile_matchings_grow_rare():
    schedule = MatchingSchedule()
    frames = []
    for frame in range(400):
        if schedule.due(tracked=40, in_view=200):
            frames.append(frame)
            schedule.matched(40, 40)
    gaps = np.diff(frames)
    assert gaps[0] < gaps[-1] <= 60
    assert not schedule.due(tracked=150, in_view=200)


def test_futile_matchings_do_not_delay_the_one_that_is_needed():
    schedule = MatchingSchedule()
    for _ in range(6):
        schedule.matched(40, 40)
    waits = [schedule.due(tracked=40, in_view=200) for _ in range(5)]
    assert not any(waits)
    assert schedule.due(tracked=3, in_view=200)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.25, 0.4), (0.5, 0.5)])
def test_alignment_is_nearly_free_of_bias(photograph, shift):
    """Against an exact shift of a band-limited image, without noise."""
    grey = cv2.cvtColor(view(photograph), cv2.COLOR_BGR2GRAY).astype(float)
    fy, fx = np.fft.fftfreq(480)[:, None], np.fft.fftfreq(640)
    phase = np.exp(-2j * np.pi * (fx * shift[0] + fy * shift[1]))
    moved = np.fft.ifft2(np.fft.fft2(grey) * phase).real
    current, desired = (np.clip(np.rint(a), 0, 255).astype(np.uint8) for a in (moved, grey))
    anchors = find_corners(desired, 6, 200)
    guess = anchors + shift + np.random.default_rng(0).normal(0, 0.3, anchors.shape)
    affine = np.tile(np.eye(2), (len(anchors), 1, 1))
    found = PatchAligner(Template(desired), 6).align(current, anchors, affine, guess, steps=2)
    error = found.pixels - anchors - shift
    assert np.median(np.linalg.norm(error, axis=1)) < 0.01
    assert np.abs(np.median(error, axis=0)).max() < 0.003


def test_gain_and_offset_do_not_move_keypoints(photograph):
    desired = cv2.cvtColor(view(photograph), cv2.COLOR_BGR2GRAY)
    current = np.clip(0.5 * desired + 40.0, 0, 255).astype(np.uint8)
    anchors = find_corners(desired, 6, 200)
    affine = np.tile(np.eye(2), (len(anchors), 1, 1))
    aligner = PatchAligner(Template(desired), 6)
    found = aligner.align(current, anchors, affine, anchors + 0.3, steps=2)
    assert np.median(np.linalg.norm(found.pixels - anchors, axis=1)) < 0.01
    assert np.median(found.similarity) > 0.99


@pytest.mark.parametrize("quality", [100, 90])
def test_errors_are_as_large_as_is_stated(photograph, observer, quality):
    """Near the goal, with noise, compressed or not; stated is the deviation along one axis."""
    rng, H = np.random.default_rng(0), turn(3.0, 1.05, (6.3, -4.6))

    def taken(H):
        data = cv2.imencode(".jpg", view(photograph, H, rng), [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(data[1], cv2.IMREAD_COLOR)

    observer.set_desired(taken(None))
    for _ in range(2):
        found = observer.observe(taken(H))
    deviation = CAMERA.focal * found.deviation[found.matched]
    error = errors_px(found, H) / np.sqrt(2.0)
    assert 0.5 < np.sqrt(np.mean((error / deviation) ** 2)) < 1.4
    assert np.isnan(found.deviation[~found.matched]).all()


def test_a_map_that_neighbours_on_another_surface_gave_is_refined(photograph):
    desired, current = (
        cv2.cvtColor(view(photograph, H), cv2.COLOR_BGR2GRAY) for H in (None, turn(0.0, 1.12))
    )
    anchors = find_corners(desired, 7, 200)
    truth = cv2.perspectiveTransform(anchors[:, None], turn(0.0, 1.12))[:, 0]
    inside = ((truth > 20.0) & (truth < [620.0, 460.0])).all(axis=1)
    anchors, truth = anchors[inside], truth[inside]
    wrong = np.tile(np.eye(2), (len(anchors), 1, 1))
    aligner = PatchAligner(Template(desired), 7)
    found = aligner.align(current, anchors, wrong, truth, steps=2)
    near = np.flatnonzero(np.linalg.norm(found.pixels - truth, axis=1) < 1.0)
    refined = aligner.bend(current, anchors[near], wrong[near], found.at(near))
    before, after = (
        np.median(np.linalg.norm(each.pixels - truth[near], axis=1))
        for each in (found.at(near), refined)
    )
    assert refined.bent.mean() > 0.8
    assert after < 0.3 * before


def test_a_map_that_is_right_is_left_as_it_is(photograph):
    rng = np.random.default_rng(0)
    desired, current = (
        cv2.cvtColor(view(photograph, None, rng), cv2.COLOR_BGR2GRAY) for _ in range(2)
    )
    anchors = find_corners(desired, 7, 200)
    aligner = PatchAligner(Template(desired), 7)
    kept = np.tile(np.eye(2), (len(anchors), 1, 1))
    found = aligner.align(current, anchors, kept, anchors + 0.1)
    assert aligner.bend(current, anchors, kept, found).bent.mean() < 0.02
