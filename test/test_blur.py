"""The tracking observer on photographs that are less sharp than the desired one."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer
from cns_core.observers.alignment import PatchAligner
from cns_core.observers.blur import Blur, BlurLadder
from cns_core.observers.corners import find_corners
from cns_core.observers.template import Template

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
SHIFT = np.array([7.0, -4.0])


@pytest.fixture(scope="module")
def photograph():
    return cv2.resize(load_sample_image("china.jpg"), (640, 480), interpolation=cv2.INTER_AREA)


def disc(radius):
    """Kernel of a defocus."""
    y, x = np.mgrid[-radius - 1 : radius + 2, -radius - 1 : radius + 2]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return kernel / kernel.sum()


def diagonal(length):
    """Kernel of a motion that is neither level nor upright."""
    return np.eye(length) / length


def blurred(photograph, kernel, rng, shift=(0.0, 0.0)):
    move = np.column_stack([np.eye(2), shift])
    image = cv2.warpAffine(photograph, move, (640, 480), borderMode=cv2.BORDER_REFLECT)
    image = cv2.filter2D(image.astype(np.float32), -1, kernel)
    return np.clip(np.rint(image + rng.normal(0.0, 2.0, image.shape)), 0, 255).astype(np.uint8)


def errors_px(found):
    gap = CAMERA.denormalize(found.current) - CAMERA.denormalize(found.desired) - SHIFT
    return np.linalg.norm(gap, axis=1)[found.matched]


@pytest.mark.parametrize(
    "kernel, least, worst_px",
    [(disc(2), 200, 0.06), (disc(4), 150, 0.2), (disc(6), 100, 0.9), (diagonal(9), 120, 0.2)],
    ids=["defocus 2", "defocus 4", "defocus 6", "motion 9"],
)
@pytest.mark.parametrize("smooth_px", [0.0, pytest.param(1.0, marks=pytest.mark.slow)])
def test_a_blurred_view_shown_again_and_again_does_not_drift(
    photograph, kernel, least, worst_px, smooth_px
):
    rng = np.random.default_rng(0)
    made = make_observer("sift", CAMERA, tracking=True, background=False, smooth_px=smooth_px)
    with closing(made) as observer:
        observer.set_desired(blurred(photograph, np.ones((1, 1)), rng))
        errors = [errors_px(observer.observe(blurred(photograph, kernel, rng, SHIFT)))]
        for _ in range(14):
            errors.append(errors_px(observer.observe(blurred(photograph, kernel, rng, SHIFT))))
    assert len(errors[-1]) > least
    assert (errors[-1] < 3.0).all()
    assert np.median(errors[-1]) < max(1.1 * np.median(errors[0]), 0.04)
    assert np.median(errors[-1]) < worst_px


@pytest.fixture(scope="module")
def ladder(photograph):
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    return BlurLadder(PatchAligner(Template(grey), 7), grey), find_corners(grey, 7, 200)


def judged(ladder, photograph, kernel, last, turn=0):
    ladder, anchors = ladder
    image = blurred(photograph, kernel, np.random.default_rng(1))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    affine = np.tile(np.eye(2), (len(anchors), 1, 1))
    return ladder.judge(grey, anchors, affine, anchors + 0.3, last, turn)


def test_a_blur_that_comes_at_once_is_known_in_its_first_frame_and_forgotten_as_soon(
    ladder, photograph
):
    sharp = judged(ladder, photograph, np.ones((1, 1)), Blur())
    assert sharp.kind == 0
    soft = judged(ladder, photograph, disc(4), sharp)
    assert soft.kind == 4 and soft.misfit < 0.05
    assert judged(ladder, photograph, np.ones((1, 1)), soft).kind == 0


def test_a_small_blur_is_found_in_turn(ladder, photograph):
    last = judged(ladder, photograph, np.ones((1, 1)), Blur())
    slight = cv2.getGaussianKernel(7, 0.7) @ cv2.getGaussianKernel(7, 0.7).T
    calm = Blur(0, 1.0)
    assert judged(ladder, photograph, slight, calm, turn=3).kind == 0
    assert judged(ladder, photograph, slight, calm, turn=0).kind == 1
    assert last.misfit < 0.2
