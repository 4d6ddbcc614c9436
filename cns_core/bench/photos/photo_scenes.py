"""Scenes with depth made of photographs: a real stereo view, and photographs on cards in layers."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.poses import horizontal
from cns_core.bench.photos.photographs import SETS, photograph, stereo_depth
from cns_core.geometry import se3
from cns_core.twin.world.depth_photo import DepthPhoto, Layer
from cns_core.twin.world.scene import Rendered
from cns_core.twin.world.solid import Solid, sheet

STEREO_M = 1.0
"""Distance from which the stereo view was taken, to the middle of its depths: a seventh of life."""
_GROUND = (90, 90, 90)
_WALL_M, _CARD_M = (0.84, 0.63), (0.14, 0.22)
_HEIGHT_M, _TILT_DEG, _PLACES_M = (0.03, 0.16), (5.0, 35.0), 0.17
_CARDS = 3


@cache
def stereo_scene() -> DepthPhoto:
    """The motorcycle by its measured depth, the middle of its depths at the origin, z to the
    camera that took it."""
    image, inverse_depth, camera = stereo_depth()
    inverse_depth = inverse_depth / (np.median(inverse_depth) * STEREO_M)
    down = se3.pose(Rotation.from_euler("x", np.pi), (0.0, 0.0, STEREO_M))
    return DepthPhoto(Layer.of(image, inverse_depth.astype(np.float32)), camera, down, _GROUND)


def card_scene(rng: np.random.Generator, pictures: str) -> Rendered:
    """A large photograph on the table and the three others of a set on tilted cards above it.

    Args:
        pictures: key of :data:`.SETS`.
    """
    wall, *others = rng.permutation(SETS[pictures]).tolist()
    cards = [_card(rng, name, n) for n, name in enumerate(others[:_CARDS])]
    return Rendered([sheet(*_WALL_M, photograph(wall)), *cards], _GROUND)


def _card(rng: np.random.Generator, name: str, number: int) -> Solid:
    """A tilted card of the ``number``-th third of the table."""
    picture = photograph(name)
    width = rng.uniform(*_CARD_M)
    angle = 2.0 * np.pi * (number + rng.uniform(-0.2, 0.2)) / _CARDS
    aside = rng.uniform(0.6, 1.0) * _PLACES_M
    turn = Rotation.from_euler("z", rng.uniform(0.0, 2.0 * np.pi))
    lean = Rotation.from_rotvec(np.radians(rng.uniform(*_TILT_DEG)) * horizontal(rng))
    lowest = 0.5 * width * np.sin(lean.magnitude()) + 0.01
    place = aside * np.cos(angle), aside * np.sin(angle), lowest + rng.uniform(*_HEIGHT_M)
    height = width * picture.shape[0] / picture.shape[1]
    return sheet(width, height, picture).at(se3.pose(lean * turn, place))
