"""The environments `stereo` and `cards`: scenes with depth made of photographs.

`stereo` is a real view with measured depth, `cards` are photographs in layers. Below index
``FRESH`` the pictures are those by which settings are chosen, from there on others; there is one
stereo view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import CAMERA, ImageEnvironment
from cns_core.bench.loop.poses import PHOTO_SECTIONS as SECTIONS
from cns_core.bench.loop.poses import horizontal
from cns_core.bench.loop.suites import FRESH
from cns_core.bench.photos.photo_scenes import card_scene, stereo_scene
from cns_core.geometry import se3
from cns_core.twin.world.depth_photo import DepthPhoto
from cns_core.twin.world.scene import Rendered

WAY = 0.15, 0.5
"""Bounds of the way to go, over the goal's distance."""
SHOWN = 0.7, 0.5
"""Least share of the goal's image and of the first one that shows what was photographed."""
_GOAL_M, _GOAL_OFF_DEG, _GOAL_ROLL_DEG = (0.44, 0.54), 10.0, 20.0
_NEAREST, _FARTHEST, _ASIDE_DEG, _AIM_DEG = 0.6, 1.5, 35.0, 4.0
_LARGEST_ROLL_DEG = 90.0

Pose = NDArray[np.float64]


def stereo_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """View ``index`` of the stereo scene.

    Raises:
        ValueError: where an object is to be moved.
    """
    if conditions.moved_mm:
        raise ValueError("the stereo scene has no object to move: take cards")
    rng = np.random.default_rng([10, list(SECTIONS).index(section), index])
    return _environment(stereo_scene(), section, conditions, rng, renderer)


def card_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Scene ``index`` of photographs on cards."""
    rng = np.random.default_rng([11, list(SECTIONS).index(section), index])
    scene = card_scene(rng, "tuning" if index < FRESH else "report")
    return _environment(scene, section, conditions, rng, renderer)


def _environment(
    scene: Rendered,
    section: str,
    conditions: Conditions,
    rng: np.random.Generator,
    renderer: str,
) -> ImageEnvironment:
    goal, start = draw_views(rng, scene, SECTIONS[section])
    return ImageEnvironment(scene, goal, start, conditions, rng, renderer=renderer)


def draw_views(
    rng: np.random.Generator, scene: Rendered, rotation_deg: tuple[float, float]
) -> tuple[Pose, Pose]:
    """Draw a goal and a start, (4, 4) camera poses, that show enough of what was photographed.

    The goal looks at the origin from 0.44 to 0.54 m, up to 10 deg off the vertical. The start looks
    there, too, give or take 4 deg, from a point in any direction of the goal.

    Args:
        rotation_deg: bounds of the angle between the two.
    """
    while True:
        goal = _goal(rng)
        if _shown(scene, goal) < SHOWN[0]:
            continue
        start = _start(rng, goal, rng.uniform(*rotation_deg), rng.uniform(*WAY))
        if start is not None and _shown(scene, start) >= SHOWN[1]:
            return goal, start


def _goal(rng: np.random.Generator) -> Pose:
    lean = Rotation.from_rotvec(np.radians(rng.uniform(0.0, _GOAL_OFF_DEG)) * horizontal(rng))
    roll = Rotation.from_euler("z", rng.uniform(-_GOAL_ROLL_DEG, _GOAL_ROLL_DEG), degrees=True)
    R = (lean * Rotation.from_euler("x", np.pi) * roll).as_matrix()
    return se3.pose(R, -rng.uniform(*_GOAL_M) * R[:, 2])


def _start(rng: np.random.Generator, goal: Pose, rotation_deg: float, way: float) -> Pose | None:
    """A start turned and moved by so much, None where the draw gives none."""
    direction = rng.normal(size=3)
    distance = float(np.linalg.norm(goal[:3, 3]))
    eye = goal[:3, 3] + way * distance * direction / np.linalg.norm(direction)
    far = float(np.linalg.norm(eye)) / distance
    aside_deg = float(np.degrees(np.arccos(eye[2] / (far * distance))))
    if not _NEAREST <= far <= _FARTHEST or aside_deg > _ASIDE_DEG:
        return None
    # The shortest turn that takes the goal's axis to the line of sight.
    ahead = -eye / np.linalg.norm(eye)
    axis = np.cross(goal[:3, 2], ahead)
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.arccos(goal[:3, 2] @ ahead))
    aim = Rotation.from_rotvec(np.radians(rng.uniform(0.0, _AIM_DEG)) * horizontal(rng))
    aimed = se3.pose(turn.as_matrix() @ goal[:3, :3] @ aim.as_matrix(), eye)
    return _rolled(goal, aimed, rotation_deg, float(rng.choice([-1.0, 1.0])))


def _rolled(goal: Pose, aimed: Pose, rotation_deg: float, side: float) -> Pose | None:
    """The pose turned about its axis until the goal is so far away, None if it is already."""

    def at(roll_deg: float) -> Pose:
        return aimed @ se3.pose(Rotation.from_euler("z", side * roll_deg, degrees=True))

    low, high = 0.0, _LARGEST_ROLL_DEG
    if se3.rotation_error_deg(goal, at(low)) > rotation_deg:
        return None
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        small = se3.rotation_error_deg(goal, at(middle)) < rotation_deg
        low, high = (middle, high) if small else (low, middle)
    return at(low)


def _shown(scene: Rendered, T: Pose) -> float:
    """Share of the image that shows what was photographed."""
    if isinstance(scene, DepthPhoto):
        return scene.photographed(T, CAMERA)
    return float((scene.surfaces(T, CAMERA).inverse_depth > 0.0).mean())
