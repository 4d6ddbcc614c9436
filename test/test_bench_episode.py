"""The benchmark's episodes: sanity that can fail, conditions, and repeatability."""

from dataclasses import replace

import numpy as np
import pytest

from cns_core.bench.loop.conditions import PERTURBATIONS, Conditions, conditions_of
from cns_core.bench.loop.environments import ImageEnvironment, render_environment
from cns_core.bench.loop.episode import DT_S, build_environment, run_episode
from cns_core.bench.loop.essential_pbvs import relative_pose
from cns_core.bench.loop.plan import Spec, Suite
from cns_core.bench.loop.poses import AFFINE_REACH, AFFINE_SECTION, SECTIONS, draw_poses
from cns_core.control.ibvs import IbvsController
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.twin.world.scene import Scene
from cns_core.twin.world.sensor import ImageSensor

TRUTH = Spec("render", "M", 0, "ibvs", "truth")


class _Still:
    """A controller that answers zero."""

    min_matches = 4

    def start(self, desired):
        pass

    def velocity(self, correspondence):
        return np.zeros(6)


class _Shuffled:
    """A controller that takes every keypoint for another one."""

    def __init__(self, controller):
        self._controller = controller
        self.min_matches = controller.min_matches

    def start(self, desired):
        self._controller.start(desired)

    def velocity(self, seen):
        rows = np.flatnonzero(seen.matched)
        current = seen.current.copy()
        current[rows] = seen.current[np.roll(rows, len(rows) // 2)]
        return self._controller.velocity(Correspondence(seen.desired, current, seen.matched))


@pytest.fixture(scope="module")
def environment():
    return render_environment("S", 0, Conditions())


@pytest.mark.parametrize("section", ["S", *(pytest.param(s, marks=pytest.mark.slow) for s in "ML")])
def test_pbvs_from_ground_truth_reaches_the_bound(section):
    record, _ = run_episode(Spec("render", section, 1, "pbvs-truth", "truth"))
    assert record["status"] == "converged"
    assert record["rotation_error_deg"] < 0.01
    assert record["translation_error_mm"] < 0.1
    assert record["path_ratio"] == pytest.approx(1.0, abs=0.01)
    low, high = SECTIONS[section]
    assert low <= record["initial_rotation_deg"] < high


def test_a_controller_that_answers_zero_scores_zero():
    record, _ = run_episode(TRUTH, _Still(), max_steps=40)
    assert not record["success"]
    assert record["rotation_error_deg"] == pytest.approx(record["initial_rotation_deg"])
    assert record["path_ratio"] == 1.0


def test_shuffled_correspondences_fail_where_true_ones_succeed():
    shuffled, _ = run_episode(TRUTH, _Shuffled(IbvsController()), max_steps=80)
    true, _ = run_episode(TRUTH, max_steps=80)
    assert true["success"]
    assert not shuffled["success"]


@pytest.mark.parametrize(
    "spec",
    [
        Spec("render", "M", 1, "ibvs", "sift-tracked", perturbation="drops"),
        Spec("affine", "A", 0, "ibvs", "orb"),
        Spec("points", "L", 0, "ibvs", "none", verify=False),
    ],
    ids=lambda spec: spec.environment,
)
def test_results_repeat(spec):
    def outcome():
        record, strip = run_episode(spec, max_steps=12)
        timings = [name for name in record if name.endswith("_ms") or name == "frame_ms_p99"]
        return {k: v for k, v in record.items() if k not in timings}, strip

    first, second = outcome(), outcome()
    assert first[0] == second[0]
    assert all(np.array_equal(*pair) for pair in zip(first[1], second[1], strict=True))
    assert bool(first[1]) == (spec.environment != "points")


def test_servoing_from_images_closes_in():
    record, _ = run_episode(Spec("render", "S", 1, "ibvs", "akaze"), max_steps=40)
    assert record["rotation_error_deg"] < 0.4 * record["initial_rotation_deg"]
    assert record["translation_error_mm"] < 0.4 * record["initial_translation_mm"]


def test_a_scene_without_texture_is_refused_and_reported(monkeypatch):
    scene = Scene(0, objects=0, plain_table=True)
    goal, start = draw_poses(np.random.default_rng(0), SECTIONS["S"])
    blank = ImageEnvironment(scene, goal, start, Conditions(), np.random.default_rng(0))
    monkeypatch.setattr("cns_core.bench.loop.episode.build_environment", lambda spec: blank)
    record, _ = run_episode(Spec("render", "S", 0, "ibvs", "sift"))
    assert record["status"] == "refused" and "keypoints" in record["note"]
    assert not record["success"]


@pytest.mark.parametrize("section", SECTIONS)
def test_poses_lie_in_their_section_and_see_the_scene(section):
    rng = np.random.default_rng(0)
    angles = []
    for _ in range(200):
        goal, start = draw_poses(rng, SECTIONS[section])
        angles.append(se3.rotation_error_deg(goal, start))
        for T in (goal, start):
            ray = T[:3, :3].T @ -T[:3, 3]
            assert np.degrees(np.arccos(ray[2] / np.linalg.norm(ray))) < 10
    assert np.mean(angles) == pytest.approx({"S": 24, "M": 67, "L": 136}[section], abs=5)


def test_affine_starts_are_as_far_off_as_in_the_paper():
    rng = np.random.default_rng(0)
    poses = [draw_poses(rng, AFFINE_SECTION["A"], reach=AFFINE_REACH) for _ in range(200)]
    assert np.mean([se3.rotation_error_deg(*p) for p in poses]) == pytest.approx(45, abs=4)
    assert np.mean([se3.translation_error_m(*p) for p in poses]) == pytest.approx(0.285, abs=0.02)


def test_a_twist_moves_the_camera_in_its_own_frame(environment):
    before = environment.T.copy()
    twist = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.5])
    environment.apply(twist, DT_S)
    assert np.allclose(environment.T, before @ se3.exp(twist * DT_S))
    assert environment.time_s == pytest.approx(DT_S)


def test_conditions_are_what_they_say(environment):
    wrong = render_environment("S", 0, Conditions(prior_factor=2.0, focal_factor=1.05))
    assert wrong.depth_prior_m == pytest.approx(2.0 * environment.distance_m)
    assert wrong.assumed_camera.fx == pytest.approx(1.05 * wrong.camera.fx)

    mounted = render_environment("S", 0, Conditions(hand_eye_deg=5.0, hand_eye_mm=10.0))
    before = mounted.T.copy()
    mounted.apply(np.array([0.0, 0.0, 0.1, 0.0, 0.0, 0.0]), 1.0)
    moved = before[:3, :3].T @ (mounted.T[:3, 3] - before[:3, 3])
    off_deg = np.degrees(np.arccos(moved[2] / np.linalg.norm(moved)))
    assert 0.0 < off_deg <= 5.0 + 1e-6
    hard = build_environment(replace(TRUTH, perturbation="hard"))
    assert len(hard.scene.solids) == 4


def test_what_disturbs_the_image():
    scene = Scene(0)
    poses = draw_poses(np.random.default_rng(0), SECTIONS["S"])

    def there(name):
        return ImageEnvironment(scene, *poses, PERTURBATIONS[name], np.random.default_rng(0))

    for name, least in (("none", 0.0), ("occluder", 3.0), ("light", 5.0), ("noise", 5.0)):
        env = there(name)
        first = env.image().astype(int)
        env.apply(np.zeros(6), 0.5)
        change = np.abs(env.image() - first).mean()
        assert least < change < 100, name
        if name == "none":
            assert change < 2.5

    blurred, sharp = there("blur"), there("none")
    for env in (blurred, sharp):
        env.apply(np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]), DT_S)
    assert np.diff(blurred.image().astype(int)).std() < np.diff(sharp.image().astype(int)).std()


def test_cameras_like_real_ones_say_themselves_what_is_wrong_with_them():
    webcam = conditions_of("camera-webcam+light-halved")
    assert (webcam.camera, webcam.late_light) == ("webcam", 0.5)
    assert conditions_of("camera-webcam-less-jpeg").camera == "webcam-less-jpeg"
    for wrong, why in (
        ("camera-webcam+noise", "noise_std of its own"),
        ("camera-webcam+principal", "principal_px of its own"),
        ("camera-phone", "camera must be one of"),
        ("camera-webcam+camera-machine-vision", "says twice"),
    ):
        with pytest.raises(ValueError, match=why):
            conditions_of(wrong)


def test_a_camera_like_real_ones_is_told_nearly_as_it_is_and_sees_a_tool():
    webcam = render_environment("S", 0, conditions_of("camera-webcam"))
    assert 0.1 < webcam.camera.shift_px(webcam.assumed_camera) < 20.0
    less = render_environment("S", 0, conditions_of("camera-webcam-less-tool"))
    gap = np.abs(webcam.desired_image.astype(int) - less.desired_image).mean(axis=2)
    assert gap[300:].mean() > 5.0 * gap[:200].mean()
    tool = render_environment("S", 0, conditions_of("tool"))
    plain = render_environment("S", 0, conditions_of("none"))
    same = np.abs(tool.desired_image.astype(int) - plain.desired_image).max(axis=2) == 0
    assert same[:200].all() and not same[460:].all()


def test_without_a_camera_model_images_are_what_they_were():
    poses = draw_poses(np.random.default_rng(0), SECTIONS["S"])
    scene, rng = Scene(0), np.random.default_rng(5)
    env = ImageEnvironment(scene, *poses, Conditions(), np.random.default_rng(5))
    sensor = ImageSensor(noise_std=2.0, seed=int(_after_mounting(rng).integers(2**31)))
    expected = [sensor.expose([scene.render(T, env.camera)]) for T in poses]
    assert np.array_equal(env.desired_image, expected[0])
    assert np.array_equal(env.image(), expected[1])


def _after_mounting(rng):
    """A generator from which the error of the mounting has been drawn."""
    rng.normal(size=(2, 3))
    return rng


@pytest.mark.slow
def test_a_scaled_scene_looks_the_same_and_is_measured_in_its_own_units():
    environment = render_environment("S", 0, Conditions())
    large = render_environment("S", 0, PERTURBATIONS["scale-x10"])
    assert large.depth_prior_m == pytest.approx(10.0 * environment.depth_prior_m)
    assert np.abs(large.desired_image.astype(int) - environment.desired_image).mean() < 0.5
    spec = Spec("render", "S", 0, "ibvs", "truth")
    plain, _ = run_episode(spec, max_steps=5)
    scaled, _ = run_episode(replace(spec, perturbation="scale-x10"), max_steps=5)
    for name in ("initial_translation_mm", "translation_error_mm"):
        assert scaled[name] == pytest.approx(plain[name], rel=0.02), name


def test_a_start_is_as_near_as_it_says():
    environment = render_environment("S", 0, Conditions())
    near = render_environment("S", 0, PERTURBATIONS["near"])
    share = near.rotation_error_deg / environment.rotation_error_deg
    assert share == pytest.approx(0.2)
    assert near.translation_error_mm < 0.3 * environment.translation_error_mm


@pytest.mark.slow
def test_delay_and_drops_slow_the_loop_down():
    def error_after(steps, name):
        spec = replace(TRUTH, perturbation=name)
        return run_episode(spec, max_steps=steps)[0]["rotation_error_deg"]

    prompt = error_after(8, "none")
    assert error_after(8, "delay-3") > 1.05 * prompt
    assert error_after(3, "delay-3") > error_after(1, "none")  # nothing moved yet
    assert error_after(8, "drops") != prompt


@pytest.mark.parametrize("kind", ["general", "planar", "turn"])
def test_relative_pose_from_two_views(kind):
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.2, -0.2, 0.5), (0.2, 0.2, 0.7), (200, 3))
    if kind == "planar":
        points[:, 2] = 0.6 + 0.1 * points[:, 0]
    moved = [0.05, -0.03, 0.04, 0.1, -0.2, 0.4]
    T = se3.exp(np.array([0, 0, 0, *moved[3:]] if kind == "turn" else moved))
    local = points @ T[:3, :3].T + T[:3, 3]
    R, direction = relative_pose(points[:, :2] / points[:, 2:], local[:, :2] / local[:, 2:])
    assert np.allclose(R, T[:3, :3], atol=1e-4)
    if kind != "turn":
        assert direction == pytest.approx(T[:3, 3] / np.linalg.norm(T[:3, 3]), abs=1e-3)


def test_specs_say_what_is_wrong_and_have_distinct_keys():
    with pytest.raises(ValueError, match="perturbation must be one of"):
        Spec("render", "S", 0, "ibvs", "sift", perturbation="rain")
    with pytest.raises(ValueError, match="affine has no section 'S'"):
        Spec("affine", "S", 0, "ibvs", "sift")
    suite = Suite(
        ("points", "render", "affine"),
        ("cns", "ibvs"),
        ("sift", "truth"),
        verify=(True, False),
        perturbations=("none", "light"),
        weights=(None, "a/x.safetensors"),
        scenes=2,
    )
    specs = list(suite.specs())
    assert len({spec.key for spec in specs}) == len(set(specs)) == len(specs)
    assert {spec.observer for spec in specs if spec.environment == "points"} == {"none"}
    assert {spec.weights for spec in specs if spec.controller == "ibvs"} == {None}
