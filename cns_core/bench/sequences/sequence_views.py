"""Where a sequence's goals are taken, and where the camera is when it is repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.arm.hand_eye import HandEye
from cns_core.geometry import se3
from cns_core.share import share_directory
from cns_core.twin.workcell import CAMERA, Workcell

_HAND_EYE = share_directory() / "config" / "twin_hand_eye.yaml"
_MOST_TURN_DEG, _LEAST_WAY_M, _MOST_WAY_M = 60.0, 0.05, 0.4
MOVED_M, MOVED_DEG = 0.2, 45.0
"""By so much the scene is moved as a whole."""

Pose = NDArray[np.float64]


def draw_sequence(seed: int, goals: int) -> tuple[Workcell, Pose, list[Pose]]:
    """A workcell, a start, and goals of which each can be seen from the one before.

    Returns:
        The workcell, and (4, 4) camera poses in the frame of its scene, in m.
    """
    workcell = Workcell(seed, HandEye.load(_HAND_EYE).T_flange_camera)
    way: list[Pose] = []
    for q in workcell.views():
        pose = workcell.scene_pose(workcell.camera_pose(q))
        if not way or _is_next(way[-1], pose):
            way.append(pose)
        if len(way) == goals + 1:
            break
    return workcell, way[0], way[1:]


def moved_start(start: Pose, seed: int) -> Pose:
    """Where the camera stands in the scene's frame after the scene was moved on its table.

    The scene is turned about a vertical axis by 45 deg and shifted by 200 mm, to a side in which
    the camera still sees some of it.
    """
    rng = np.random.default_rng([seed, 2])
    while True:
        turn = Rotation.from_euler("z", rng.choice([-MOVED_DEG, MOVED_DEG]), degrees=True)
        side = rng.uniform(0.0, 2.0 * np.pi)
        shift = MOVED_M * np.array([np.cos(side), np.sin(side), 0.0])
        T = se3.inverse(se3.pose(turn, shift)) @ start
        x, y = CAMERA.project((se3.inverse(T) @ [0.0, 0.0, 0.0, 1.0])[None, :3])[0]
        if 0 <= x < CAMERA.width and 0 <= y < CAMERA.height:
            return T


def _is_next(before: Pose, pose: Pose) -> bool:
    way_m = se3.translation_error_m(before, pose)
    turn_deg = se3.rotation_error_deg(before, pose)
    return turn_deg <= _MOST_TURN_DEG and _LEAST_WAY_M <= way_m <= _MOST_WAY_M
