"""Where the cameras of the observers' benchmark stand."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.episode import DT_S
from cns_core.bench.observers.view_conditions import ViewCondition
from cns_core.geometry import se3

FRAMES = 12
"""Of a sequence that stays about its start."""
_STEP = 0.04
"""Share of the way to the goal between two frames of one condition."""


def draw_goal(rng: np.random.Generator) -> np.ndarray:
    """A camera above the scene, up to 20 deg off the vertical, 0.5 to 0.7 m away."""
    lean, azimuth = np.radians(rng.uniform(0, 20)), rng.uniform(0, 2 * np.pi)
    direction = [np.sin(lean) * np.cos(azimuth), np.sin(lean) * np.sin(azimuth), np.cos(lean)]
    return se3.look_at(rng.uniform(0.5, 0.7) * np.array(direction), (0, 0, 0), up=(0.3, 1, 0))


def draw_way(
    rng: np.random.Generator, goal: np.ndarray, condition: ViewCondition
) -> list[np.ndarray]:
    """Camera poses from the condition's start towards the goal, (4, 4) each."""
    start = _draw_start(rng, goal, condition)
    way = se3.log(se3.inverse(start) @ goal)
    if condition.approach:
        shares = 1.0 - np.exp(-DT_S * np.arange(1.5 * FRAMES / _STEP / 4.5))
    else:
        shares = _STEP * np.arange(FRAMES) / max(1.0, np.linalg.norm(way[3:]) / np.radians(90))
    return [start @ se3.exp(way * share) for share in shares]


def _draw_start(rng: np.random.Generator, goal: np.ndarray, condition: ViewCondition) -> np.ndarray:
    """The condition's start, (4, 4)."""
    distance = np.linalg.norm(goal[:3, 3])
    axis = np.append(rng.normal(size=2), 0.0)
    axis *= np.radians(condition.tilt_deg) / np.linalg.norm(axis)
    # Turn about the scene's centre, expressed in the goal's camera frame.
    centre = se3.pose(translation=(0, 0, distance))
    back = se3.pose(translation=(0, 0, -condition.scale * distance))
    roll = Rotation.from_euler("z", condition.roll_deg, degrees=True)
    offset = centre @ se3.pose(Rotation.from_rotvec(axis)) @ back @ se3.pose(roll)
    nudge = rng.normal(size=6)
    nudge[:3] *= condition.nudge * 0.02 * distance / np.linalg.norm(nudge[:3])
    nudge[3:] *= condition.nudge * np.radians(2.0) / np.linalg.norm(nudge[3:])
    return goal @ offset @ se3.exp(nudge)
