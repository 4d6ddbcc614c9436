"""The second renderer draws what the built-in one does, pixel for pixel in its geometry."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Spec
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.mujoco_model import model_of
from cns_core.twin.world.mujoco_scene import MujocoScene
from cns_core.twin.world.scene import BoardPlane, Scene
from cns_core.twin.world.tabletop import Tabletop

# The principal point far from the middle, and pixels that are not square.
CAMERA = PinholeCamera(width=320, height=240, fx=270.0, fy=280.0, cx=150.0, cy=130.0)
LOOKING_DOWN = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


@pytest.fixture(scope="module", autouse=True)
def mujoco():
    """The package, if it can draw here."""
    package = pytest.importorskip("mujoco")
    try:
        package.Renderer(package.MjModel.from_xml_string("<mujoco/>"), 8, 8).close()
    except Exception as error:
        pytest.skip(f"mujoco cannot draw on this machine: {error}")


def _pose(turn, height=0.5):
    T = se3.pose(LOOKING_DOWN, (0.02, -0.01, height))
    return T @ se3.exp(np.array([0.0, 0.0, 0.0, *turn]))


def test_corners_are_where_the_geometry_has_them():
    board, T = BoardPlane(), _pose((0.15, 0.1, 0.4))
    places = 0.025 * np.stack(np.meshgrid(np.arange(8) - 3.5, np.arange(5) - 2.0), axis=-1)
    corners = np.column_stack([places.reshape(-1, 2), np.zeros(40)])
    T_cs = se3.inverse(T)
    true = CAMERA.project(corners @ T_cs[:3, :3].T + T_cs[:3, 3])
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    for scene in (board, MujocoScene(board)):
        grey = cv2.cvtColor(scene.render(T, CAMERA), cv2.COLOR_BGR2GRAY)
        guess = np.ascontiguousarray(true[:, None] + 0.7, dtype=np.float32)
        found = cv2.cornerSubPix(grey, guess, (4, 4), (-1, -1), criteria)[:, 0]
        off = np.linalg.norm(found - true, axis=1)
        assert off.max() < 0.5 and off.mean() < 0.1, type(scene)


@pytest.mark.parametrize("scene", [Scene(3, objects=6), Tabletop(3)], ids=["boxes", "round"])
def test_both_renderers_show_the_same(scene):
    T = _pose((-0.3, 0.2, 1.0))
    ours, theirs = (
        np.asarray(s.render(T, CAMERA), dtype=np.float32) for s in (scene, MujocoScene(scene))
    )
    assert np.abs(ours - theirs).mean() < 4.0
    greys = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (ours, theirs))
    shift, alike = cv2.phaseCorrelate(*greys)
    assert np.hypot(*shift) < 0.1 and alike > 0.8


def test_moved_and_scaled_scenes_stay_with_the_renderer():
    scene = MujocoScene(Scene(3, objects=2))
    T = _pose((0.0, 0.0, 0.0))
    moved, scaled = scene.with_moved(1, (0.1, 0.0, 0.0)), scene.scaled(2.0)
    assert isinstance(moved, MujocoScene) and isinstance(scaled, MujocoScene)
    still = scene.render(T, CAMERA).astype(int)
    assert np.abs(moved.render(T, CAMERA) - still).mean() > 0.5
    far = T.copy()
    far[:3, 3] *= 2.0
    assert np.abs(scaled.render(far, CAMERA) - still).mean() < 0.5


def test_an_episode_through_it_closes_in_and_says_so():
    spec = Spec("render", "S", 1, "ibvs", "sift-tracked", renderer="mujoco")
    record, _ = run_episode(spec, max_steps=10)
    assert record["spec"]["renderer"] == "mujoco" and record["key"].endswith("_none_mujoco")
    assert record["translation_error_mm"] < 0.85 * record["initial_translation_mm"]


def test_what_it_cannot_draw_is_refused():
    with pytest.raises(ValueError, match="neither occluder nor distortion, as 'occluder'"):
        Spec("render", "S", 0, "ibvs", "sift", perturbation="occluder", renderer="mujoco")
    with pytest.raises(ValueError, match="ideal pinhole cameras"):
        model_of([], replace(CAMERA, distortion=(0.1, 0.0, 0.0, 0.0)), 0.01, 10.0)
    with pytest.raises(ValueError, match="draws no occluder"):
        MujocoScene(BoardPlane()).render(np.eye(4), CAMERA, extra=BoardPlane().solids)
