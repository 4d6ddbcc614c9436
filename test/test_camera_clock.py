"""The simulated camera's own clock."""

import pytest

from cns_core.twin.world.camera_clock import NANOSECONDS, CameraClock

BEGAN_NS = 1_700_000_000 * NANOSECONDS + 123_456_789


def offset_s(clock, elapsed_s):
    """What the stamp of an image taken some time after the beginning is ahead."""
    time_ns = BEGAN_NS + round(NANOSECONDS * elapsed_s)
    return (clock.stamp_ns(time_ns, BEGAN_NS) - time_ns) / NANOSECONDS


def test_a_good_clock_stamps_to_the_nanosecond():
    assert CameraClock().stamp_ns(BEGAN_NS + 7, BEGAN_NS) == BEGAN_NS + 7


@pytest.mark.parametrize("ahead_s", [10.0, -0.25])
def test_a_clock_ahead_stays_ahead(ahead_s):
    clock = CameraClock(ahead_s)
    assert offset_s(clock, 0.0) == offset_s(clock, 100.5) == ahead_s


def test_a_drifting_clock_gets_ahead():
    assert offset_s(CameraClock(drift=0.01), 100.0) == pytest.approx(1.0)
    assert offset_s(CameraClock(2.0, drift=-0.01), 100.0) == pytest.approx(1.0)


def test_a_jumping_clock_is_set_ahead_and_back():
    clock = CameraClock(ahead_s=1.0, jump_s=3.0)
    offsets = [offset_s(clock, t) for t in (0.0, 0.9, 1.0, 1.9, 2.0, 3.1)]
    assert offsets == [1.0, 1.0, 4.0, 4.0, 1.0, 4.0]


def test_without_stamps_all_are_zero():
    assert CameraClock(5.0, stamps=False).stamp_ns(BEGAN_NS, BEGAN_NS) == 0


def test_a_clock_far_behind_never_stamps_before_its_beginning():
    assert CameraClock(-1e10).stamp_ns(BEGAN_NS, BEGAN_NS) == 0
