"""Camera faults: which frames arrive, when, and with which stamps."""

from dataclasses import dataclass

import pytest

from cns_core.twin.world.camera_faults import KINDS, LATEST_S, CameraFaults

FPS = 32.0


@dataclass(frozen=True)
class Shot:
    time_s: float
    image: str


def deliver(kind, count=200):
    """List of (time, frames delivered then) of a camera with a fault."""
    faults = CameraFaults()
    faults.begin(kind)
    shots = [Shot(k / FPS, f"image {k}") for k in range(count)]
    return [(shot.time_s, faults.pass_on(shot)) for shot in shots]


def arrivals(kind):
    return [shot for _, delivered in deliver(kind) for shot in delivered]


def test_without_a_fault_every_frame_arrives_at_once():
    assert all([s.time_s for s in shots] == [now] for now, shots in deliver("none"))


def test_a_silent_camera_delivers_nothing():
    assert not arrivals("silent")


def test_about_half_of_the_frames_are_dropped():
    stamps = [shot.time_s for shot in arrivals("dropped")]
    assert 60 < len(stamps) < 140
    assert stamps == sorted(stamps)


def test_duplicates_bear_the_same_stamp():
    assert all(len(shots) == 2 and shots[0] == shots[1] for _, shots in deliver("duplicated"))


def test_out_of_order_frames_all_arrive_and_in_pairs_exchanged():
    stamps = [FPS * shot.time_s for shot in arrivals("out_of_order")]
    assert stamps[:6] == [1, 0, 3, 2, 5, 4]
    assert len(stamps) == 200


def test_a_frozen_camera_goes_on_stamping_one_image():
    shots = arrivals("frozen")
    assert {shot.image for shot in shots} == {"image 0"}
    assert [FPS * shot.time_s for shot in shots] == list(range(200))


def test_late_frames_come_in_order_and_ever_later():
    lags = [now - shot.time_s for now, shots in deliver("late") for shot in shots]
    stamps = [shot.time_s for shot in arrivals("late")]
    assert stamps == sorted(stamps)
    assert max(lags) == pytest.approx(LATEST_S, abs=2.0 / FPS)
    assert all(later >= sooner - 1.5 / FPS for sooner, later in zip(lags, lags[1:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_ends_leaves_nothing_behind(kind):
    faults = CameraFaults()
    faults.begin(kind)
    for k in range(50):
        faults.pass_on(Shot(k / FPS, f"image {k}"))
    faults.begin("none")
    last = Shot(50 / FPS, "image 50")
    assert faults.pass_on(last) == [last]


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="frozen.*got 'smeared'"):
        CameraFaults().begin("smeared")
