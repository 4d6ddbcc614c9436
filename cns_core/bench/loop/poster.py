"""The `poster` environment: the protocol by which methods on vision transformers are compared.

One flat poster, 500 starts far aside and turned, the poster's print corrupted against the goal
image: camera, poses and corruption are those of the public code of ART-VS, print and size are not.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.scene import Rendered
from cns_core.twin.world.solid import sheet
from cns_core.twin.world.textures import collage

CAMERA = PinholeCamera(width=1440, height=1080, fx=1130.0, fy=1130.0, cx=720.0, cy=540.0)
STARTS = 500
HEIGHT_M = 0.6
"""Of the desired camera, which looks straight down on the poster's middle."""
BOX_M = (1.2, 1.2, 0.3)
"""Where starts lie, about the desired camera."""
CIRCLES, CIRCLE_STEP_M = 4, 0.08
"""What starts look at: points on circles about the poster's middle, each wider by a step."""
LARGEST_ROLL_DEG = 120.0
MAX_STEPS = 1500

_SIZE_M = (1.2, 0.9)
_TEXELS_PER_M = 2000
_GROUND = (90, 90, 90)


def poster_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Start ``index`` of 500, beyond which they repeat with other draws; one section."""
    rng = np.random.default_rng([8, index])
    print_ = _print()
    clean = _scene(print_)
    environment = ImageEnvironment(clean, goal(), start(index), conditions, rng, CAMERA, renderer)
    if conditions.corrupted_print:
        environment.show(_scene(corrupt(print_, rng)))
    return environment


def goal() -> NDArray[np.float64]:
    """(4, 4) pose of the desired camera in the poster's frame, z up."""
    return se3.pose(Rotation.from_euler("x", np.pi), (0.0, 0.0, HEIGHT_M))


def start(index: int) -> NDArray[np.float64]:
    """(4, 4) pose of a start: anywhere in the box, looking at a point of a circle, rolled.

    Every circle has as many starts, and these all rolls from end to end; any first few starts are
    a fair sample of them.
    """
    rng = np.random.default_rng([9, index])
    circle, turn = index % CIRCLES, index // CIRCLES
    each = STARTS // CIRCLES
    rolls = np.random.default_rng(circle).permutation(
        np.linspace(-LARGEST_ROLL_DEG, LARGEST_ROLL_DEG, each)
    )
    eye = np.array([0.0, 0.0, HEIGHT_M]) + rng.uniform(-0.5, 0.5, 3) * BOX_M
    angle = rng.uniform(-np.pi, np.pi)
    target = CIRCLE_STEP_M * (circle + 1) * np.array([np.cos(angle), np.sin(angle), 0.0])
    forward = (target - eye) / np.linalg.norm(target - eye)
    down = np.cross(forward, [1.0, 0.0, 0.0])
    down /= np.linalg.norm(down)
    R = np.column_stack([np.cross(down, forward), down, forward])
    roll = Rotation.from_euler("z", rolls[turn % each], degrees=True)
    return se3.pose(R @ roll.as_matrix(), eye)


def corrupt(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The (H, W, 3) uint8 print with, half of the time, a black patch; other brightness and
    contrast; and noise."""
    picture = image.astype(np.float32) / 255.0
    if rng.random() < 0.5:
        _erase(picture, rng)
    brightness, contrast = rng.uniform(0.4, 1.6), rng.uniform(0.6, 1.4)
    mean = float(picture.mean())
    if rng.random() < 0.5:
        picture = np.clip(brightness * picture, 0.0, 1.0)
        picture = np.clip(contrast * picture + (1.0 - contrast) * float(picture.mean()), 0.0, 1.0)
    else:
        picture = np.clip(contrast * picture + (1.0 - contrast) * mean, 0.0, 1.0)
        picture = np.clip(brightness * picture, 0.0, 1.0)
    picture += rng.normal(0.0, 0.05, picture.shape).astype(np.float32)
    return np.asarray(np.rint(255.0 * np.clip(picture, 0.0, 1.0)), dtype=np.uint8)


def _erase(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Black out a rectangle of 2 to 33 % of the area, in place."""
    height, width = picture.shape[:2]
    while True:
        area = rng.uniform(0.02, 0.33) * height * width
        aspect = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
        h, w = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if h < height and w < width:
            y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
            picture[y : y + h, x : x + w] = 0.0
            return


@lru_cache(1)
def _print() -> np.ndarray:
    """What is on the poster: photographs beside each other."""
    width, height = (round(size * _TEXELS_PER_M) for size in _SIZE_M)
    return collage(np.random.default_rng(0), max(width, height))[:height, :width]


def _scene(image: np.ndarray) -> Rendered:
    return Rendered([sheet(*_SIZE_M, image)], _GROUND)
