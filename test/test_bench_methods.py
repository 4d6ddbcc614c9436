"""Every method of the benchmark closes in, turns round with the views and rests at the goal."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from cns_core.bench.loop import replay
from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import MATCH_TOLERANCE, render_environment
from cns_core.bench.loop.episode import DT_S, run_episode
from cns_core.bench.loop.oracle import OracleObserver
from cns_core.bench.loop.plan import Spec
from cns_core.bench.loop.points import points_environment
from cns_core.bench.loop.servos import build_method
from cns_core.bench.methods.adaptive_gain import AdaptiveGain
from cns_core.bench.methods.built_in import CLASSIC, DIRECT, LEARNED, NAMES, STRUCTURE
from cns_core.bench.methods.ibvs_laws import ClassicIbvs, true_depths
from cns_core.bench.methods.scaled_motion import scaled_motion
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence

# They look at the poses: swapped matches say nothing to them.
BY_POSE = ("pbvs-truth", "straight-truth")
# What structure adds to `cns` begins after its first twists.
TESTED = [name for name in NAMES if name != STRUCTURE]
NEAR = Conditions(start_share=0.05, noise_std=0.0)


@pytest.fixture(scope="module")
def near():
    """An environment near its goal, its matches there and at the goal; to be left as it was."""
    environment = render_environment("S", 1, NEAR)
    observer = OracleObserver(environment)
    observer.set_desired(environment.desired_image)
    away, start = observer.observe(None), environment.T
    environment.T = environment.T_goal
    there = observer.observe(None)
    environment.T = start
    return SimpleNamespace(environment=environment, away=away, there=there)


@pytest.fixture
def environment(near):
    """The same, put back after the test."""
    kept = dict(vars(near.environment))
    yield near.environment
    vars(near.environment).update(kept)


def answer(name, environment, seen, image=None):
    """The (6,) twist of a method in metric units, for matches or for an image."""
    method = build_method(name, environment, DT_S)
    scale = np.repeat([environment.depth_prior_m, 1.0], 3)
    if method.direct is not None:
        method.direct.set_desired(environment.desired_image)
        return scale * method.direct.velocity(environment.image() if image is None else image)
    method.controller.start(seen.desired)
    return scale * method.controller.velocity(seen)


def closes_in(environment, twist):
    """Whether a little way along ``twist`` is nearer to the goal: the gain is no question."""
    before = _distance(environment)
    length = 0.1 * before / max(np.linalg.norm(twist), 1e-9)
    T = environment.T
    environment.T = T @ se3.exp(length * twist)
    after = _distance(environment)
    environment.T = T
    return after < 0.97 * before


def _distance(environment):
    way = se3.log(se3.inverse(environment.T_goal) @ environment.T)
    return np.linalg.norm(way / np.repeat([environment.distance_m, 1.0], 3))


@pytest.mark.parametrize("name", TESTED)
def test_the_first_twist_brings_the_camera_nearer(name, environment, near):
    twist = answer(name, environment, near.away)
    assert closes_in(environment, twist)
    # Neither would a law of the wrong sign pass, nor one that answers nothing.
    assert not closes_in(environment, -twist) and not closes_in(environment, np.zeros(6))


@pytest.mark.parametrize("name", TESTED)
def test_at_the_goal_it_rests(name, environment, near):
    away = answer(name, environment, near.away)
    environment.T = environment.T_goal
    assert np.linalg.norm(answer(name, environment, near.there)) < 0.1 * np.linalg.norm(away)


@pytest.mark.parametrize("name", [name for name in TESTED if name not in BY_POSE])
def test_swapped_views_turn_it_round(name, environment, near):
    seen = near.away
    forth = answer(name, environment, seen)
    kept = seen.matched
    swapped = Correspondence(seen.current[kept], seen.desired[kept], np.ones(kept.sum(), bool))
    image = environment.image()
    environment.T, environment.T_goal = environment.T_goal, environment.T
    environment.desired_image, image = image, environment.desired_image
    back = answer(name, environment, swapped, image)
    assert back @ forth / np.linalg.norm(back) / np.linalg.norm(forth) < -0.8


def test_the_names_are_all_of_them(environment):
    assert set(NAMES) == {*LEARNED, *CLASSIC, *DIRECT}
    with pytest.raises(ValueError, match="controller must be one of .*got 'ibvs-rough'"):
        build_method("ibvs-rough", environment, DT_S)


def test_true_depths_are_those_of_the_surface(environment, near):
    now, then = true_depths(environment)(near.away)
    assert np.abs(now - 1.0).max() < 0.6 and np.ptp(then) > 0.05
    # With them the matrix predicts the way better than with the prior.
    way = se3.log(se3.inverse(environment.T) @ environment.T_goal)
    way[:3] /= environment.distance_m
    known, told = (
        np.linalg.norm(ClassicIbvs("mean", depths).velocity(near.away) - way)
        for depths in (true_depths(environment), None)
    )
    assert known < 0.2 * np.linalg.norm(way) and known < told


def test_points_know_their_true_depths():
    points = points_environment("S", 1, NEAR)
    seen = points.correspondence()
    now, then = points.keypoint_depths(seen)
    rays = np.column_stack([seen.desired[seen.matched], np.ones(seen.count)])
    world = points.T_goal @ np.column_stack([then[:, None] * rays, np.ones(seen.count)]).T
    local = (se3.inverse(points.T) @ world).T
    gap = np.linalg.norm(local[:, :2] / local[:, 2:3] - seen.current[seen.matched], axis=1)
    np.testing.assert_allclose(local[:, 2], now, atol=5e-3)
    assert np.median(gap) < 3e-3  # noise in both images; a tenth is mismatched


def test_the_adaptive_gain_is_visps():
    gain = AdaptiveGain(4.0, 0.4, 30.0)
    assert gain(np.zeros((3, 2))) == pytest.approx(4.0)
    assert gain(np.full(2, 1e3)) == pytest.approx(0.4)
    # ViSP's own formula at |e| = 0.1, by hand: 3.6 exp(-30 / 3.6 * 0.1) + 0.4.
    assert gain(np.array([0.05, -0.1])) == pytest.approx(3.6 * 0.434598 + 0.4, abs=1e-5)
    steep = (gain(np.array([1e-6])) - 4.0) / 1e-6
    assert steep == pytest.approx(-30.0, rel=1e-3)
    with pytest.raises(ValueError, match="at_zero > at_infinity"):
        AdaptiveGain(0.4, 4.0)


@pytest.mark.parametrize("kind", ["general", "planar"])
def test_a_scaled_motion_is_the_true_one_in_depths(kind):
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.2, -0.2, 0.5), (0.2, 0.2, 0.7), (200, 3))
    if kind == "planar":
        points[:, 2] = 0.6 + 0.1 * points[:, 0]
    T = se3.exp(np.array([0.05, -0.03, 0.04, 0.1, -0.2, 0.4]))
    local = points @ T[:3, :3].T + T[:3, 3]
    noise = rng.normal(0.0, 0.02 * MATCH_TOLERANCE, (200, 2))
    motion = scaled_motion(points[:, :2] / points[:, 2:], local[:, :2] / local[:, 2:] + noise)
    assert np.allclose(motion.R, T[:3, :3], atol=2e-3)
    assert np.allclose(motion.t, T[:3, 3] / np.median(points[:, 2]), atol=5e-3)
    assert np.allclose(motion.ratios, local[:, 2] / points[:, 2], atol=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hybrid-2.5d", "hybrid-switching", "ibvs-adaptive", *DIRECT])
def test_a_method_comes_home_from_near(name):
    record, _ = run_episode(Spec("render", "S", 1, name, "truth", perturbation="near"))
    assert record["status"] == "converged" and record["success"]
    assert record["translation_error_mm"] < 1.0


def test_a_direct_law_needs_images_and_texture(environment):
    record, _ = run_episode(Spec("points", "S", 0, "photometric", "none"), max_steps=1)
    assert record["status"] == "refused"
    assert record["note"] == "photometric goes by images: points has none"
    law = build_method("photometric", environment, DT_S).direct
    with pytest.raises(RuntimeError, match="call set_desired first"):
        law.velocity(np.zeros((480, 640, 3), np.uint8))
    with pytest.raises(ValueError, match="grey levels a pixel"):
        law.set_desired(np.full((480, 640, 3), 90, np.uint8))


@pytest.mark.slow
def test_an_episode_without_keypoints_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(replay, "run_episode", partial(run_episode, max_steps=4))
    replay.replay(Spec("render", "S", 1, "photometric", "none", perturbation="near"), tmp_path)
    assert {"views.png", "path.png"} <= {path.name for path in tmp_path.iterdir()}


def test_a_direct_law_runs_as_an_episode_of_its_own():
    spec = Spec("render", "S", 1, "photometric-blurred", "truth", perturbation="near")
    record, strip = run_episode(spec, max_steps=6)
    assert record["status"] == "timeout" and len(strip) == 2
    assert record["translation_error_mm"] < 0.6 * record["initial_translation_mm"]
