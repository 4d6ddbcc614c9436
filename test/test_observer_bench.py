"""The observers' benchmark, on one small condition."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cns_core.bench import cli
from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.observers import degraded_bench, observer_bench, video, video_bench, view_poses
from cns_core.bench.observers.observer_measures import summarize
from cns_core.bench.observers.observer_views import ViewSequence
from cns_core.bench.observers.view_conditions import ViewCondition
from cns_core.observers import make_observer


def test_truth_agrees_with_what_an_observer_sees(monkeypatch):
    monkeypatch.setattr(view_poses, "FRAMES", 2)
    sequence = ViewSequence(3, ViewCondition(roll_deg=20.0, scale=1.2), oversampling=1)
    observer = make_observer("sift", CAMERA)
    observer.set_desired(sequence.desired_image)
    found = observer.observe(sequence.images[1])
    pixels, visible = sequence.truth(1, found.desired)
    both = found.matched & visible
    error = np.linalg.norm(CAMERA.denormalize(found.current) - pixels, axis=1)[both]
    assert both.sum() > 100
    assert np.median(error) < 0.3
    assert (found.matched & ~visible).sum() < 0.1 * found.count


def test_occluded_keypoints_are_not_visible(monkeypatch):
    monkeypatch.setattr(view_poses, "FRAMES", 1)
    sequence = ViewSequence(3, ViewCondition(occluder=True), oversampling=1)
    grid = np.stack(np.meshgrid(np.linspace(20, 620, 31), np.linspace(20, 460, 23)), -1)
    pixels = grid.reshape(-1, 2)
    _, visible = sequence.truth(0, CAMERA.normalize(pixels))
    middle = (pixels[:, 0] > 215) & (pixels[:, 0] < 424)
    assert not visible[middle].any()
    assert visible[~middle].mean() > 0.9


@pytest.mark.parametrize(
    "condition, left, right",
    [(ViewCondition(light=0.5), 0.5, 0.5), (ViewCondition(shade=0.6), 0.98, 0.42)],
)
def test_light_changes_in_the_middle(monkeypatch, condition, left, right):
    monkeypatch.setattr(view_poses, "FRAMES", 2)
    plain = ViewSequence(3, ViewCondition(noise_std=0.0), oversampling=1)
    changed = ViewSequence(3, replace(condition, noise_std=0.0), oversampling=1)
    np.testing.assert_array_equal(plain.images[0], changed.images[0])
    ratio = changed.images[1].mean(axis=(0, 2)) / plain.images[1].mean(axis=(0, 2))
    assert ratio[:20].mean() == pytest.approx(left, abs=0.02)
    assert ratio[-20:].mean() == pytest.approx(right, abs=0.02)


def test_writes_rows_and_a_plot(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(view_poses, "FRAMES", 3)
    arguments = ["--scenes", "1", "--oversampling", "1", "--observers", "orb"]
    status = cli.main(["observer", *arguments, "--conditions", "near", "--out", str(tmp_path)])
    assert status == 0
    rows = json.loads((tmp_path / "observer.json").read_text())["rows"]
    assert [row["mode"] for row in rows] == ["plain", "tracking"]
    for row in rows:
        assert row["condition"] == "near" and row["frames"] == 3
        assert 0 < row["ms_p50"] <= row["ms_p99"] <= row["step_ms_p99"]
        assert row["ms_p50"] < row["step_ms_p50"]
        assert row["first_match_ms_median"] > 0
        assert row["true_matches_median"] > 50
    plain, tracking = (row["keypoint_error_px_median"] for row in rows)
    assert tracking < plain / 3
    assert (tmp_path / "observer.png").stat().st_size > 1000
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and all(line.startswith("|") and line.endswith("|") for line in lines)
    assert len({line.count("|") for line in lines}) == 1


def test_nothing_found_is_reported_as_such():
    times = {"ms": 1.0, "step_ms": 2.0, "first_match_ms": 3.0}
    counts = {"keypoints": 9, "visible": 0, "matches": 0, "true_matches": 0}
    row = summarize("sift", "plain", "x", [{**times, **counts, "errors_px": np.zeros(0)}])
    assert row["keypoint_error_px_median"] is None and row["true_share"] is None


@pytest.mark.parametrize("bad", [["--scenes", "0"], ["--oversampling", "0"]])
def test_bad_counts_are_refused(bad, capsys):
    assert cli.main(["observer", *bad]) == 2
    assert "must be positive" in capsys.readouterr().err


def test_video_tells_the_times_of_frames_and_when_the_view_is_found_again(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(video, "FRAMES", 12)
    monkeypatch.setattr(video, "COVERED", range(6, 9))
    monkeypatch.setattr(video_bench, "FRAMES", 12)
    monkeypatch.setattr(video_bench, "COVERED", range(6, 9))
    monkeypatch.setattr(observer_bench, "VIDEO_MODES", ["deterministic"])
    arguments = ["--video", "--scenes", "1", "--observers", "sift", "--out", str(tmp_path)]
    assert cli.main(["observer", *arguments]) == 0
    (row,) = json.loads((tmp_path / "video.json").read_text())["rows"]
    assert 0 < row["own_p50"] <= row["own_p99"] and row["ms_p99"] <= row["ms_worst"]
    assert 1 <= row["found_after_frames"] <= 3
    assert row["true_share"] > 0.95 and row["error_px_median"] < 0.2
    head, _, line = capsys.readouterr().out.splitlines()
    assert head.count("|") == line.count("|") and "sift" in line


def test_what_is_dark_and_what_is_blurred_have_rows(monkeypatch, capsys):
    monkeypatch.setattr(degraded_bench, "_REPEATED", 2)
    monkeypatch.setattr(observer_bench, "DEGRADED", ["light x0.1", "motion 9 px"])
    assert cli.main(["observer", "--degraded", "--scenes", "1", "--observers", "sift"]) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2
    for row in rows:
        _, _, first, _, last, wrong, px = row.strip("| ").split(" | ")
        assert int(first) > 50 and int(last) > 50 and float(px) < 0.5
        assert int(wrong) < 0.02 * int(last)
