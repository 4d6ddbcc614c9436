"""The `picture` environment: one photograph lying flat and one goal, as end-to-end methods have it.

The paper compares with such methods on the picture that they were trained on. Section ``T`` is that
picture; section ``N`` has the same goal and the same starts before pictures that are new to them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.bench.loop.poses import (
    AFFINE_REACH,
    AFFINE_SECTION,
    draw_start,
    looking_at_origin,
)
from cns_core.twin.world.scene import PhotoPlane, Rendered

TRAINED_PHOTO = 3
"""Place of the picture to train on among the wide photographs: a temple, which looks the same from
no two sides."""
NEW_PHOTOS = 4
"""The other wide photographs, in turn."""

_GOAL_DISTANCE_M, _OFF_VERTICAL_DEG = 0.55, 10.0


def picture_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Start ``index`` before the picture of a section, ``T`` or ``N``."""
    new = section == "N"
    scene = trained_picture() if not new else PhotoPlane(photo=_new_photo(index))
    rng = np.random.default_rng([10, index])
    start = draw_start(rng, goal(), AFFINE_SECTION["A"], AFFINE_REACH)
    return ImageEnvironment(scene, goal(), start, conditions, rng, renderer=renderer)


def trained_picture() -> Rendered:
    """What end-to-end methods are trained on."""
    return PhotoPlane(photo=TRAINED_PHOTO)


def goal() -> NDArray[np.float64]:
    """(4, 4) pose of the desired camera in the picture's frame, z up; the same for all episodes."""
    return looking_at_origin(np.random.default_rng(10), _OFF_VERTICAL_DEG, _GOAL_DISTANCE_M)


def _new_photo(index: int) -> int:
    return TRAINED_PHOTO + 1 + index % NEW_PHOTOS
