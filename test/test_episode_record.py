"""What is kept of an episode: one record a step, counted images, and the files made of them."""

import csv
import json
import math

import numpy as np
import pytest

from cns_core import Correspondence
from cns_core.geometry import se3
from cns_core.record.episode_log import EpisodeLog
from cns_core.record.step_record import StepRecord, column
from cns_ros.sim.episode_recording import EpisodeRecording
from cns_ros.sim.image_count import ImageCount

GOAL = se3.pose(translation=(0.1, 0.2, 0.3))
AWAY = GOAL @ se3.exp(np.array([0.0, 0.0, -0.05, 0.0, 0.0, 0.5]))
TWIST = np.arange(6.0)
SEEN = Correspondence(np.zeros((4, 2)), np.full((4, 2), 0.3), np.array([True, True, True, False]))
IMAGE = np.zeros((4, 4, 3), np.uint8)


def test_a_record_tells_how_far_the_goal_is():
    record = StepRecord.towards(GOAL, AWAY, 1.5, timings={"control": 0.002})
    assert record.rotation_error_deg == pytest.approx(np.degrees(0.5))
    assert record.translation_error_mm == pytest.approx(50.0)
    assert record.control_ms == pytest.approx(2.0)
    assert math.isnan(record.observe_ms) and math.isnan(record.keypoint_error)
    assert column([record, record], "position_m").shape == (2, 3)


def test_the_log_is_written_one_line_a_twist(tmp_path):
    log = EpisodeLog(settings={"seed": 3}, images={"published": 7})
    for time_s in (0.0, 0.04, 0.12):
        step = StepRecord.towards(
            GOAL, AWAY, time_s, twist=TWIST, keypoint_error=0.25, matched=9, image_age_s=time_s
        )
        log.steps.append(step)
    figures = log.save(tmp_path / "new", {"status": "converged"})
    lines = list(csv.DictReader((tmp_path / "new" / "episode.csv").open()))
    assert [float(line["time_s"]) for line in lines] == [0.0, 0.04, 0.12]
    assert [float(lines[1][name]) for name in ("vx", "vy", "vz", "wx", "wy", "wz")] == list(TWIST)
    assert lines[1]["error"] == "0.25" and lines[1]["matched"] == "9"
    assert [float(lines[1][name]) for name in ("x_m", "y_m", "z_m")] == AWAY[:3, 3].tolist()
    written = json.loads((tmp_path / "new" / "episode.json").read_text())
    assert written == {
        "settings": {"seed": 3},
        "result": {"status": "converged"},
        "figures": figures,
    }
    assert figures["twists"] == 3 and figures["images_published"] == 7
    assert figures["twist_rate_hz"] == pytest.approx(2 / 0.12)
    assert figures["image_age_s_p50"] == 0.04


def test_motion_counts_from_where_the_camera_leaves_its_start():
    log = EpisodeLog()
    for time_s, pose in ((0.0, AWAY), (0.5, AWAY), (0.6, GOAL), (1.6, GOAL)):
        log.steps.append(StepRecord.towards(GOAL, pose, time_s))
    assert log.motion_s() == pytest.approx(1.1)
    log.steps = log.steps[:2]
    assert log.motion_s() == 0.0


def test_a_log_without_steps_has_no_figures(tmp_path):
    assert EpisodeLog().save(tmp_path, {}) == {}


def test_only_images_between_the_first_and_the_last_answer_can_be_lost():
    images = ImageCount()
    for stamp_ns in (1, 2, 3, 4, 5):
        images.publish(stamp_ns)
    for stamp_ns in (2, 4):
        images.observe(stamp_ns)
    assert images.totals() == {"published": 3, "observed": 2, "lost": 1}
    assert ImageCount().totals() == {"published": 0, "observed": 0, "lost": 0}


def test_an_age_belongs_to_the_oldest_step_without_one():
    recording = EpisodeRecording(GOAL)
    recording.note_age(9.0)
    assert recording.newest is None
    for _ in range(3):
        recording.command(TWIST, SEEN, AWAY)
    for age_s in (0.1, 0.2):
        recording.note_age(age_s)
    ages = recording.log.column("image_age_s")
    assert ages[:2].tolist() == [0.1, 0.2] and np.isnan(ages[2])
    assert recording.newest is recording.log.steps[1]
    assert recording.newest.matched == 3
    assert recording.newest.keypoint_error == SEEN.error


def test_what_comes_after_the_stop_is_not_recorded_but_the_last_view_is():
    recording = EpisodeRecording(GOAL)
    for stamp_ns in (1, 2, 3):
        recording.publish(stamp_ns)
    recording.observe(1, IMAGE, SEEN)
    recording.observe(3, IMAGE, SEEN)
    recording.stop()
    frames = len(recording.frames)
    recording.command(TWIST, SEEN, AWAY)
    recording.observe(4, IMAGE, SEEN)
    recording.finish(IMAGE + 1, SEEN)
    assert not recording.log.steps
    assert recording.frames[-1][0].all() and len(recording.frames) == frames + 1
    assert recording.log.images == {"published": 3, "observed": 2, "lost": 1}
