"""The benchmark's odometry, what may be wrong in it, and the verdict against the truth."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cns_core.bench.loop.conditions import Conditions, conditions_of
from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.odometry import NOISE_M, NOISE_RAD, Odometry
from cns_core.bench.loop.plan import Spec
from cns_core.bench.loop.suites import FRESH
from cns_core.bench.loop.suites import STRUCTURE as SUITES
from cns_core.bench.loop.verdict import Verdict, summarize, verdict_trace
from cns_core.bench.methods.built_in import STRUCTURE
from cns_core.bench.report.summary import rows
from cns_core.control.guide import Remaining
from cns_core.geometry import se3
from cns_core.twin.world.scene import Scene

WAY = [se3.pose(translation=(0.002 * n, 0.0, 0.4)) for n in range(50)]
TRUTH = {"observer": "truth", "controller": STRUCTURE}


def _told(**conditions):
    """What is measured along the way, 25 times a second."""
    odometry = Odometry(Conditions(**conditions), (0,))
    return np.array([odometry.measure(T, 0.04 * n) for n, T in enumerate(WAY)])


def _scene(conditions):
    goal = se3.look_at((0.05, -0.1, 0.6), (0, 0, 0))
    return ImageEnvironment(Scene(0), goal, goal, conditions, np.random.default_rng(0))


def test_odometry_errs_by_its_noise_and_no_more():
    told = _told()
    off = told[:, :3, 3] - np.array(WAY)[:, :3, 3]
    assert off.std() == pytest.approx(NOISE_M, rel=0.25)
    turned = [se3.rotation_error_deg(a, b) for a, b in zip(told, WAY, strict=True)]
    assert np.mean(turned) == pytest.approx(np.degrees(NOISE_RAD) * math.sqrt(8 / math.pi), rel=0.2)
    assert np.array_equal(told, _told())


def test_odometry_that_is_frozen_or_scaled():
    moved = [_told(odometry_scale=scale)[-1, 0, 3] for scale in (0.0, 0.5, 1.0)]
    assert moved == pytest.approx([0.0, 0.049, 0.098], abs=2e-4)


def test_a_loose_mount_jumps_to_and_fro_by_its_play():
    off = _told(odometry_step_mm=5.0)[:, :3, 3] - np.array(WAY)[:, :3, 3]
    jumps = np.linalg.norm(np.diff(off, axis=0), axis=1)
    assert set(np.round(1e3 * jumps)) == {0.0, 5.0}
    assert 1 <= (jumps > 1e-3).sum() <= 5
    assert np.linalg.norm(off, axis=1).max() < 5.2e-3  # it does not add up


def test_conditions_are_joined():
    both = conditions_of("delay-2+focal")
    assert (both.delay_frames, both.focal_factor) == (2, 1.05)
    assert conditions_of("none") == Conditions()
    with pytest.raises(ValueError, match="got 'rain'"):
        conditions_of("delay-2+rain")
    with pytest.raises(ValueError, match="says twice what"):
        conditions_of("delay-2+delay-3")


@pytest.mark.parametrize(
    ("name", "least_px", "most_px"), [("principal", 9, 11), ("distortion", 1, 4)]
)
def test_the_true_camera_is_not_the_assumed_one(name, least_px, most_px):
    environment = _scene(conditions_of(name))
    corner = np.array([[0.5, 0.4, 1.0]])
    off = environment.camera.project(corner) - environment.assumed_camera.project(corner)
    assert least_px < np.linalg.norm(off) < most_px
    assert not np.array_equal(_scene(Conditions()).desired_image, environment.desired_image)


def test_the_assumed_mounting_is_what_odometry_goes_through():
    environment = _scene(conditions_of("hand-eye"))
    off = se3.inverse(environment.T) @ environment.T_assumed
    assert 1e3 * np.linalg.norm(off[:3, 3]) == pytest.approx(10.0)
    assert se3.rotation_error_deg(off, np.eye(4)) == pytest.approx(5.0)
    twist = np.array([0.02, 0.01, 0.03, 0.1, 0.0, 0.2])
    before = environment.T_assumed
    environment.apply(twist, 1.0)
    assert np.allclose(environment.T_assumed, before @ se3.exp(twist))


def _verdict(motion, bound_mm=1.0, bound_deg=0.1):
    goal = se3.exp(np.array([0.01, 0.0, 0.0, 0.0, 0.0, 0.02]))
    environment = SimpleNamespace(T=np.eye(4), T_goal=goal)
    told = Remaining(1e3 * np.linalg.norm(motion[:3]), 0.0, bound_mm, bound_deg, time_s=0.0)
    return Verdict.of(told, np.asarray(motion, dtype=float), environment), goal


def test_a_verdict_is_held_against_the_truth():
    _, goal = _verdict(np.zeros(6))
    true = np.r_[goal[:3, 3], 0.0, 0.0, 0.02]
    right, _ = _verdict(true)
    assert right.error_mm == pytest.approx(0.0, abs=1e-9)
    assert right.mm_holds and right.deg_holds
    # The same length into another direction is no right answer.
    wrong, _ = _verdict(true * (-1, 1, 1, 1, 1, 1))
    assert wrong.error_mm == pytest.approx(20.0, rel=0.01)
    assert not wrong.mm_holds and wrong.deg_holds
    assert summarize([wrong, right])["verdict_mm_holds"] is True
    assert verdict_trace([Verdict(), wrong])["verdict_error_mm"][0] is None
    assert summarize([Verdict()])["verdict_mm_holds"] is None
    assert summarize([]) == verdict_trace([]) == {}


@pytest.mark.slow
def test_structure_knows_the_way_and_a_wrong_odometry_misleads_it():
    def last(perturbation):
        spec = Spec("render", "S", 0, perturbation=perturbation, **TRUTH)
        return run_episode(spec, max_steps=25)[0]

    right, wrong = last("delay-2"), last("delay-2+odometry-half")
    assert right["verdict_error_mm"] < 0.1 * right["translation_error_mm"]
    assert wrong["verdict_error_mm"] > 0.3 * wrong["translation_error_mm"]
    assert len(right["trace"]["verdict_error_mm"]) == right["steps"] == 25
    (row,) = rows([right | {"verdict_mm_holds": True}])
    assert row["verdicts"] == 1 and row["verdict_mm_holds_rate"] == 1.0


def test_without_structure_there_is_no_verdict():
    record, _ = run_episode(Spec("render", "S", 0, "ibvs", "truth"), max_steps=2)
    assert not any("verdict" in name for name in [*record, *record["trace"]])
    (row,) = rows([record])
    assert row["verdicts"] == 0 and row["verdict_mm_holds_rate"] is None


def test_no_prior_is_told_to_structure_and_any_other_method_goes_on():
    for controller in (STRUCTURE, "ibvs"):
        spec = Spec("render", "S", 0, controller, "truth", perturbation="prior-none")
        record, _ = run_episode(spec, max_steps=3)
        assert record["status"] == "timeout" and record["steps"] == 3


def test_the_suite_is_on_scenes_that_nothing_was_chosen_on():
    specs = [spec for suite in SUITES for spec in suite.specs()]
    assert len({spec.key for spec in specs}) == len(specs)
    assert min(spec.index for spec in specs) == FRESH > 500
    assert {spec.controller for spec in specs} == {"cns", STRUCTURE}
    assert {spec.environment for spec in specs} == {"render", "tabletop"}
