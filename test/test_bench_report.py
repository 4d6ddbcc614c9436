"""The benchmark's statistics, reports, comparison and command line."""

import json
from dataclasses import asdict

import joblib
import numpy as np
import pytest

from cns_core.bench import cli
from cns_core.bench.loop import runner
from cns_core.bench.loop.measures import measure, wilson
from cns_core.bench.loop.plan import Spec
from cns_core.bench.report.compare import compare
from cns_core.bench.report.report import clear, write_report
from cns_core.bench.report.summary import rows

ROW_FIELDS = {
    "environment",
    "controller",
    "weights",
    "observer",
    "verify",
    "perturbation",
    "section",
    "episodes",
    "success_rate",
    "steps_mean",
    "rotation_error_deg_mean",
    "translation_error_mm_mean",
    "observe_ms",
    "control_ms",
}


def _trace(position, rotation_deg, keypoint_error, dt_s=0.04):
    count = len(position)
    return {
        "time_s": dt_s * np.arange(count),
        "position_m": np.asarray(position, dtype=float),
        "rotation_error_deg": np.asarray(rotation_deg, dtype=float),
        "translation_error_mm": 1e3 * np.linalg.norm(position, axis=1),
        "keypoint_error": np.asarray(keypoint_error, dtype=float),
        "matched": np.full(count, 50),
        "observe_ms": np.full(count, 5.0),
        "control_ms": np.full(count, 1.0),
        "graph_ms": np.r_[20.0, np.zeros(count - 1)],
    }


def _record(index, factor=1.0, success=True, controller="ibvs", **changes):
    spec = Spec("render", "S", index, controller, "truth")
    rng = np.random.default_rng(index)
    scatter = np.exp(0.05 * rng.normal(size=3))
    way = np.linspace([0.2, 0.0, 0.0], [0.0, 0.0, 0.0005 * scatter[0] * factor], 50)
    if not success:
        way += 0.05
    metrics = measure(_trace(way, np.linspace(30, 0.1 * scatter[1], 50), np.ones(50)), 0.04)
    metrics["steps"] = int(200 * scatter[2])
    trace = {
        "time_s": [0.04 * n for n in range(50)],
        "position_m": way.tolist(),
        "translation_error_mm": (1e3 * np.linalg.norm(way, axis=1)).tolist(),
    }
    identity = {"key": spec.key, "scene": spec.scene, "spec": asdict(spec), "note": ""}
    goal = {"status": "converged", "goal_m": [0.0, 0.0, 0.0]}
    return identity | goal | metrics | {"trace": trace} | changes


FACTS = {
    "command": "cns-bench",
    "started": "now",
    "minutes": 0.1,
    "load_at_end": 0.0,
    "jobs": 1,
    "machine": {"processor": "p", "cores": 2, "memory_gb": 4, "system": "s", "load_1min": 0.0},
    "versions": {"python": "3"},
}


@pytest.mark.parametrize(
    ("won", "count", "interval"),
    # Newcombe, Statistics in Medicine 1998, Table I, method 3.
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611))],
)
def test_wilson_interval(won, count, interval):
    assert wilson(won, count) == pytest.approx(interval, abs=1e-4)


def test_wilson_limits():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 5)[1] == 1.0
    with pytest.raises(ValueError, match="got 3 of 2"):
        wilson(3, 2)


def test_measures_of_a_known_path():
    way = np.array([[0.03, 0.0, 0.0], [0.03, 0.04, 0.0], [0.0, 0.04, 0.0], [0.0, 0.0, 0.0]])
    metrics = measure(_trace(way, [10, 5, 2, 0.1], [0.2, 0.5, 0.1, np.nan]), 0.04)
    assert metrics["path_ratio"] == pytest.approx((0.04 + 0.03 + 0.04) / 0.03)
    assert metrics["image_error_ratio"] == pytest.approx(2.5)
    assert metrics["steps"] == 3 and metrics["time_to_1mm_s"] == pytest.approx(0.12)
    assert metrics["success"] and metrics["strict_success"]
    assert metrics["observe_ms"] == 5.0 and metrics["graph_ms"] == 20.0
    assert metrics["frame_ms_p99"] == pytest.approx(6.0)
    third = way[3] - 3 * way[2] + 3 * way[1] - way[0]
    assert metrics["jerk_rms"] == pytest.approx(np.linalg.norm(third) / 0.04**3)
    assert not measure(_trace(way[:2], [10, 5], [0.2, 0.5]), 0.04)["success"]


def test_rows_are_grouped_and_averaged_over_successes():
    records = [_record(0), _record(1), _record(2, success=False)]
    records.append(_record(0, controller="pbvs-truth"))
    other = Spec("render", "L", 0, "ibvs", "truth")
    records.append(_record(3) | {"spec": asdict(other), "scene": other.scene})
    table = {(row["controller"], row["section"]): row for row in rows(records)}
    assert set(table) == {("ibvs", s) for s in "SLA"} | {("pbvs-truth", "S")}
    small = table["ibvs", "S"]
    assert small["episodes"] == 3 and small["success_rate"] == pytest.approx(2 / 3)
    won = [records[0]["steps"], records[1]["steps"]]
    assert small["steps_mean"] == pytest.approx(np.mean(won))
    assert small["translation_error_mm_mean_all"] > 10 > small["translation_error_mm_mean"]
    assert table["ibvs", "A"]["episodes"] == 4


def test_a_row_without_success_has_no_means():
    (row,) = rows([_record(0, success=False)])
    assert row["success_rate"] == 0.0 and row["steps_mean"] is None
    assert row["steps_mean_all"] is not None


def test_report_files(tmp_path):
    records = [_record(n, success=n != 2) for n in range(4)]
    write_report(tmp_path, records, FACTS)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["rows"][0].keys() >= ROW_FIELDS
    assert len(content["episodes"]) == 4 and "trace" not in content["episodes"][0]
    text = (tmp_path / "report.md").read_text()
    assert "75.0 (30–95)" in text and records[2]["key"] in text
    page = (tmp_path / "report.html").read_text()
    for name in ("success.png", "errors.png", "basin.png", "paths.png"):
        assert (tmp_path / name).stat().st_size > 5000
        assert name in page
    (tmp_path / "mine.txt").write_text("keep")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def _verdicts(before, after, **options):
    return {c.measure: c.verdict for c in compare(before, after, **options)}


def test_compare_catches_a_planted_regression_and_nothing_else():
    before = [_record(n) for n in range(12)]
    assert set(_verdicts(before, before).values()) == {"same"}
    worse = [_record(n, factor=1.3) for n in range(12)]
    found = _verdicts(before, worse)
    assert found.pop("translation_error_mm") == "worse"
    assert set(found.values()) == {"same"}
    assert _verdicts(worse, before)["translation_error_mm"] == "better"


def test_compare_judges_success_by_the_scenes_that_changed():
    before = [_record(n) for n in range(12)]
    one_lost = [_record(n, success=n != 0) for n in range(12)]
    many_lost = [_record(n, success=n > 5) for n in range(12)]
    assert _verdicts(before, one_lost)["success"] == "same"
    assert _verdicts(before, many_lost)["success"] == "worse"
    assert _verdicts(many_lost, before)["success"] == "better"


def test_compare_refuses_what_does_not_pair():
    ours = [_record(n) for n in range(6)]
    others = [_record(n, controller="pbvs-truth") for n in range(6)]
    with pytest.raises(ValueError, match="share no episode"):
        compare(ours, others)
    assert compare(ours, others, across=["controller"])
    with pytest.raises(ValueError, match="fall together"):
        compare(ours + others, ours, across=["controller"])


def test_compare_command(tmp_path, capsys):
    names = {}
    for name, factor in (("a", 1.0), ("b", 1.3)):
        names[name] = tmp_path / f"{name}.json"
        episodes = [_record(n, factor) for n in range(12)]
        names[name].write_text(json.dumps({"episodes": episodes}))
    assert cli.main(["compare", str(names["a"]), str(names["a"])]) == 0
    assert cli.main(["compare", str(names["a"]), str(names["b"])]) == 1
    assert "worse  render ibvs" in capsys.readouterr().out
    assert cli.main(["compare", str(names["a"]), str(tmp_path / "none.json")]) == 2


def test_a_run_resumes_and_does_not_mix_versions(tmp_path, monkeypatch):
    ran = []

    def quick(spec):
        ran.append(spec.index)
        return _record(spec.index) | {"key": spec.key}, [np.zeros((8, 8, 3), np.uint8)]

    monkeypatch.setattr(runner, "run_episode", quick)
    specs = [Spec("render", "S", n, "ibvs", "truth") for n in range(4)]
    lines = []
    with joblib.parallel_config(backend="threading", n_jobs=1):
        runner.run(specs[:1], tmp_path, "code-1", report=lines.append)
    runner.run(specs[:2], tmp_path, "code-1", jobs=1, report=lines.append)
    with (tmp_path / "episodes.jsonl").open("a") as file:
        file.write('{"key": "cut off')
    records = runner.run(specs, tmp_path, "code-1", jobs=1, report=lines.append)
    assert ran == [0, 1, 2, 3]
    assert [record["key"] for record in records] == [spec.key for spec in specs]
    assert any("2 of 4 episodes are there" in line for line in lines)
    assert not (tmp_path / "failures").exists()
    with pytest.raises(ValueError, match="other code or weights"):
        runner.run(specs, tmp_path, "code-2", jobs=1)
    twins = [Spec("render", "S", 0, "cns", "sift", weights=f"{d}/w.pth") for d in "ab"]
    with pytest.raises(ValueError, match="distinct names"):
        runner.run(twins, tmp_path, "code-1", jobs=1)


def test_failed_episodes_leave_a_strip(tmp_path, monkeypatch):
    failed = _record(0, success=False)
    strip = [np.full((120, 160, 3), n, np.uint8) for n in range(30)]
    monkeypatch.setattr(runner, "run_episode", lambda spec: (failed, strip))
    runner.run([Spec("render", "S", 0, "ibvs", "truth")], tmp_path, "code", jobs=1)
    assert (tmp_path / "failures" / f"{failed['key']}.png").exists()


@pytest.mark.slow
def test_command_line_runs_a_selection_in_processes(tmp_path, capsys):
    command = (
        f"--out {tmp_path} --environments affine --controllers pbvs-truth --observers truth "
        "--scenes 2 --jobs 2"
    )
    assert cli.main(command.split()) == 0
    content = json.loads((tmp_path / "report.json").read_text())
    (row,) = content["rows"]
    assert row["episodes"] == 2 and row["success_rate"] == 1.0
    assert row["rotation_error_deg_mean"] < 0.02
    assert content["machine"]["cores"] and content["versions"]["numpy"]
    key = content["episodes"][0]["key"]
    assert cli.main(["replay", str(tmp_path), key]) == 0
    assert (tmp_path / "replays" / key / "episode.json").exists()
    assert cli.main(["replay", str(tmp_path), "nothing"]) == 2
    assert "| pbvs-truth |" in capsys.readouterr().out


def test_command_line_refuses_bad_input(tmp_path, capsys):
    base = ["--out", str(tmp_path), "--jobs", "1"]
    assert cli.main([*base, "--scenes", "0", "--controllers", "ibvs"]) == 2
    assert "nothing to run" in capsys.readouterr().err
    assert cli.main([*base, "--weights", str(tmp_path / "missing.pth")]) == 2
    assert "does not exist" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["--controllers", "magic"])
