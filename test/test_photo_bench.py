"""The benchmark on photographs: its truth, its changes of the image, and its verdicts."""

import json

import numpy as np
import pytest

from cns_core.bench import cli
from cns_core.bench.photos.photo_acceptance import judge
from cns_core.bench.photos.photo_conditions import CONDITIONS, STEREO_CONDITIONS, PhotoCondition
from cns_core.bench.photos.photo_measures import PairResult, measure, summarize
from cns_core.bench.photos.photo_pairs import STEREO, pairs
from cns_core.bench.photos.photo_table import TABLES, markdown
from cns_core.bench.photos.photographs import SETS


def pair(picture, condition, seed=0):
    return next(pairs((picture,), (condition,), seed))


@pytest.mark.parametrize(
    "picture, condition, fewest",
    [("camera", "tilt 30", 80), ("coffee", "turn 135", 80), (STEREO, "stereo", 100)],
)
def test_truth_agrees_with_what_an_observer_sees(picture, condition, fewest):
    found = measure(pair(picture, condition), "sift", "plain")
    assert found.right > fewest
    assert found.right > 0.9 * found.matches
    assert found.error_px < 0.5
    assert found.error_px <= found.p90_px < 3.0
    assert found.ms > 0.0


def test_where_depth_is_unknown_so_is_the_truth():
    y, x = np.mgrid[0:480, 0:640]
    truth = pair(STEREO, "stereo").truth(np.column_stack([x.ravel(), y.ravel()]).astype(float))
    known = np.isfinite(truth).all(axis=1)
    assert 0.5 < known.mean() < 1.0
    np.testing.assert_array_equal(truth[known][:, 1], y.ravel()[known])


def test_a_pair_depends_on_its_names_and_the_seed_alone():
    alone = pair("camera", "noise 15")
    among = list(pairs(("coffee", "camera"), ("near", "noise 15"), 0))[-1]
    np.testing.assert_array_equal(alone.current, among.current)
    assert np.abs(alone.current.astype(int) - pair("camera", "noise 15", 1).current).mean() > 5.0


def test_each_picture_and_condition_makes_one_pair():
    made = [
        (each.picture, each.condition) for each in pairs(("camera", STEREO), ("near", "stereo"), 0)
    ]
    assert made == [("camera", "near"), (STEREO, "stereo")]
    assert not set(SETS["tuning"]) & set(SETS["report"])
    assert not CONDITIONS.keys() & STEREO_CONDITIONS.keys()


def exposed(view, **condition):
    return PhotoCondition(**condition).expose(view, np.random.default_rng(0)).astype(float)


def test_light_gamma_and_noise_are_what_they_are_called():
    grey = np.full((60, 80, 3), 100, np.uint8)
    assert exposed(grey, light=0.25).mean() == pytest.approx(25.0, abs=0.2)
    assert exposed(grey, light=3.0).mean() == pytest.approx(255.0, abs=1.0)
    assert exposed(grey, gamma=2.2).mean() == pytest.approx(255 * (100 / 255) ** 2.2, abs=0.2)
    assert exposed(grey, noise_std=15.0).std() == pytest.approx(15.0, abs=0.5)


def test_a_point_becomes_a_disc_or_a_line_of_the_size_asked_for():
    point = np.zeros((61, 61, 3), np.uint8)
    point[29:32, 29:32] = 255
    sharp = {"noise_std": 0.0}
    disc = exposed(point, defocus_px=6.0, **sharp)[..., 0] > 0.5
    assert [np.ptp(np.flatnonzero(disc.any(axis=axis))) for axis in (0, 1)] == [14, 14]
    line = np.argwhere(exposed(point, motion_px=21, **sharp)[..., 0] > 4.0)
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(line.T.astype(float))))
    assert spread[1] > 4.0 * spread[0]
    assert 18.0 < np.linalg.norm(np.ptp(line, axis=0)) < 26.0


def test_compression_costs_what_its_quality_says():
    view = pair("camera", "near").desired
    lost = [
        np.abs(exposed(view, jpeg=quality, noise_std=0.0) - view).mean() for quality in (80, 30, 5)
    ]
    assert 0.0 < lost[0] < lost[1] < lost[2]


def result(observer, right, picture="a", mode="plain", matches=100):
    return PairResult(picture, "near", observer, mode, matches, right, 0.5, 0.9, 10.0)


def test_auto_is_judged_against_the_better_of_both_and_by_what_is_enough():
    results = [result("sift", 40), result("xfeat", 100), result("auto", 90)]
    near, enough = judge(results)
    assert near.met and enough.met and near.pairs == 1
    assert "met" in str(near)
    results += [result(name, n, "b") for name, n in (("sift", 29), ("xfeat", 0), ("auto", 25))]
    near, enough = judge(results)
    assert (near.good, enough.good) == (1, 1) and not near.met and not enough.met
    assert str(near).endswith("1 of 2 pairs: missed")
    assert judge(results[:2]) == []


def test_rows_and_tables_tell_medians_and_the_worst():
    rows = [
        summarize([result("sift", n, str(n)) for n in (10, 20, 60)]),
        summarize([PairResult("a", "near", "orb", "tracked", 0, 0, None, None, 0.0)]),
    ]
    assert (rows[0].right, rows[0].fewest, rows[0].share) == (20.0, 10, 0.3)
    assert rows[1].share is None and rows[1].error_px is None
    lines = markdown(rows).splitlines()
    assert "| near | 20 (10) | 0 (0) |" in lines
    assert "| near | 0.30 | - |" in lines
    assert "| condition | sift | orb, tracked |" in lines
    assert sum(line.startswith("**") for line in lines) == len(TABLES)


def test_writes_tables_and_every_pair(tmp_path, capsys):
    arguments = ["--pictures", "tuning", "--observers", "orb", "--modes", "plain"]
    arguments += ["--conditions", "near", "--out", str(tmp_path)]
    assert cli.main(["photos", *arguments]) == 0
    written = json.loads((tmp_path / "photos.json").read_text())
    assert [each["picture"] for each in written["pairs"]] == list(SETS["tuning"])
    assert written["rows"][0]["pairs"] == 4 and written["verdicts"] == []
    text = (tmp_path / "photos.md").read_text()
    assert text.rstrip() in capsys.readouterr().out
