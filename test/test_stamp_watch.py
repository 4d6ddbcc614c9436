"""Stamps of images: fresh with their age, or not, and why, whatever the clocks do."""

import math

import numpy as np
import pytest

from cns_core.stamp_watch import AHEAD_TOLERANCE_S, ENOUGH, Order, StampWatch

FRAME_S = 0.04
MAX_AGE_S = 0.5
WRAP_S = 2**32 * 1e-6
"""After so long a 32-bit counter of microseconds begins anew."""


START_S = 1e6


class Camera:
    """Images 25 times a second, read by a watch; the test sets both clocks and the delay."""

    def __init__(self, ahead_s=0.0, late_s=0.01):
        self.watch = StampWatch()
        self.clock_s = START_S
        self.ahead_s, self.late_s = ahead_s, late_s

    def shoot(self, stamp_s=None):
        """The order of the next image's stamp, and why it is not fresh."""
        self.clock_s += FRAME_S
        stamp = self.clock_s - self.late_s + self.ahead_s if stamp_s is None else stamp_s
        order = self.watch.take(stamp, self.clock_s)
        return order, self.watch.stale(self.clock_s, MAX_AGE_S)

    def run(self, frames):
        """What is said of the last of some images."""
        for _ in range(frames):
            last = self.shoot()
        return last


@pytest.fixture
def camera():
    camera = Camera()
    assert camera.run(50) == (Order.NEW, "")
    return camera


def test_nothing_is_fresh_before_the_first_image():
    assert "no image" in StampWatch().stale(5.0, MAX_AGE_S)


@pytest.mark.parametrize("late_s", [0.0, 0.2, 0.49, -0.9 * AHEAD_TOLERANCE_S])
def test_a_steady_stream_is_fresh(late_s):
    camera = Camera(late_s=late_s)
    for _ in range(2000):
        assert camera.shoot() == (Order.NEW, "")


def test_an_image_grows_old(camera):
    assert not camera.watch.stale(camera.clock_s + 0.48, MAX_AGE_S)
    stale = camera.watch.stale(camera.clock_s + 0.5, MAX_AGE_S)
    assert "the image is 0.51 s old, 0.50 s are allowed" in stale


@pytest.mark.parametrize("ahead_s", [0.1, 3.0, 1e6])
def test_a_clock_ahead_is_never_fresh_and_the_offset_is_named(ahead_s):
    camera = Camera(ahead_s=ahead_s)
    for _ in range(100):
        stale = camera.shoot()[1]
        assert f"{ahead_s - 0.01:.2f} s in the future, 0.05 s are allowed" in stale
    assert "stamp:=receive" in stale


@pytest.mark.parametrize("ahead_s", [0.7, 3.0, 10.0])
def test_pictures_that_hang_back_by_as_much_as_their_clock_is_ahead_are_not_fresh(ahead_s):
    camera = Camera(ahead_s=ahead_s)
    camera.run(50)
    while camera.late_s < ahead_s + 0.3:
        camera.late_s += 0.01
        assert camera.shoot()[1]
    camera.late_s = ahead_s + 0.1  # an age of a tenth of a second, says the stamp
    # After a minute the least delay seen is a little forgotten.
    stale = camera.run(60 * 25)[1]
    assert "images hang back by" in stale
    assert float(stale.split()[4]) == pytest.approx(ahead_s + 0.1, abs=0.1)


def test_a_clock_that_counts_from_the_cameras_start_is_named():
    watch = StampWatch()
    watch.take(12.0, 1.7e9)
    assert "counts from the camera's start and not from 1970" in watch.stale(1.7e9, MAX_AGE_S)


@pytest.mark.parametrize("stamp_s", [0.0, -5.0, math.nan, math.inf])
def test_a_missing_stamp_is_never_fresh(stamp_s):
    camera = Camera()
    for _ in range(20):
        order, stale = camera.shoot(stamp_s)
        assert order is Order.MISSING
        assert f"images carry no time stamp ({stamp_s:g})" in stale


def test_two_images_with_one_stamp_are_an_accident_and_many_are_named(camera):
    stamp_s = camera.clock_s - camera.late_s
    for n in range(1, 20):
        order, stale = camera.shoot(stamp_s)
        assert order is Order.REPEATED
        assert bool(camera.watch.doubt) == (n >= ENOUGH)
    assert "20 images bear the same stamp" in stale
    assert camera.shoot() == (Order.NEW, "")


def test_every_image_twice_is_no_doubt(camera):
    for _ in range(100):
        assert camera.shoot() == (Order.NEW, "")
        assert camera.watch.take(camera.clock_s - camera.late_s, camera.clock_s) is Order.REPEATED
        assert not camera.watch.doubt


def test_images_that_change_places_are_no_doubt(camera):
    for _ in range(100):
        camera.clock_s += FRAME_S
        first_s = camera.clock_s - camera.late_s
        assert camera.shoot()[0] is Order.NEW
        assert camera.watch.take(first_s, camera.clock_s) is Order.EARLIER
        assert not camera.watch.doubt


@pytest.mark.parametrize("off_s", [-1e9, -3600.0, -5.0, -1.2, 0.6, 3.0, 3600.0, 1e9])
def test_one_bad_stamp_is_dropped_and_the_stream_goes_on(camera, off_s):
    order, stale = camera.shoot(camera.clock_s + off_s)
    assert order in (Order.APART, Order.MISSING)
    assert stale
    for _ in range(500):
        assert camera.shoot() == (Order.NEW, "")


def test_bad_stamps_all_over_the_place_are_never_fresh_and_soon_forgotten(camera):
    rng = np.random.default_rng(0)
    for bad in rng.uniform(1.2, 1e5, 300) * rng.choice([-1.0, 1.0], 300):
        assert camera.shoot(camera.clock_s + bad)[1]
    camera.run(ENOUGH)
    assert camera.run(500) == (Order.NEW, "")


@pytest.mark.parametrize(("by_s", "way"), [(3.0, "3.00 s ahead"), (-0.3, "back"), (-3.0, "back")])
def test_a_clock_that_is_set_counts_anew_and_the_jump_is_named(camera, by_s, way):
    camera.ahead_s = by_s
    orders = [camera.shoot()[0] for _ in range(ENOUGH)]
    assert [order.usable for order in orders] == [False] * (ENOUGH - 1) + [True]
    assert orders[-1] is Order.RESTARTED
    assert "the clock that stamps the images was set" in camera.watch.reason
    assert way in camera.watch.reason
    stale = camera.run(100)[1]
    assert bool(stale) == (by_s != -0.3)  # by so little an image may be old


def test_a_clock_that_is_set_right_is_fresh_at_once():
    for ahead_s in (10.0, -10.0):
        camera = Camera(ahead_s)
        assert camera.run(100)[1]
        camera.ahead_s = 0.0
        assert camera.run(ENOUGH + 1) == (Order.NEW, "")


def test_a_counter_that_wraps_counts_anew():
    camera = Camera(ahead_s=WRAP_S - START_S - 2.0)
    camera.run(51)
    camera.ahead_s -= WRAP_S
    orders = [camera.shoot()[0] for _ in range(10)]
    assert orders[ENOUGH] is Order.NEW
    assert orders.count(Order.RESTARTED) == 1


@pytest.mark.parametrize("by_s", [-3600.0, -2.0, 2.0, 3600.0])
def test_this_machines_clock_may_be_set_together_with_the_cameras(camera, by_s):
    """One machine has one clock: whatever sets it, the images stay as old as they are."""
    camera.clock_s += by_s
    camera.run(ENOUGH)
    for _ in range(500):
        assert camera.shoot() == (Order.NEW, "")


def test_a_slow_drift_is_no_lag():
    camera = Camera(ahead_s=-0.1)
    for _ in range(25 * 600):
        camera.ahead_s -= 1e-4 * FRAME_S
        assert camera.shoot() == (Order.NEW, "")


def test_images_that_catch_up_after_a_delay_are_no_jump():
    camera = Camera(late_s=3.0)
    camera.run(10)
    camera.late_s = 0.01
    assert camera.shoot() == (Order.NEW, "")
