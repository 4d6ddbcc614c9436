"""Observers on photographs in the dark, in glare and under an exposure that swings."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer
from cns_core.observers.light import Light

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)


@pytest.fixture(scope="module")
def photograph():
    return cv2.resize(load_sample_image("flower.jpg"), (640, 480), interpolation=cv2.INTER_AREA)


def shifted(photograph, pixels, light=1.0, gamma=1.0, veil=0.0, seed=0):
    """The photograph moved by so many pixels, in another light, with noise."""
    moved = light * (np.roll(photograph, pixels, axis=1) / 255.0) ** gamma
    image = 255.0 * (veil + (1.0 - veil) * np.clip(moved, 0.0, 1.0))
    image += np.random.default_rng(seed).normal(0.0, 1.0, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def right(found, pixels):
    """How many matches are within three pixels of the truth, and their share."""
    gap = CAMERA.denormalize(found.current) - CAMERA.denormalize(found.desired) - (pixels, 0.0)
    good = (np.linalg.norm(gap, axis=1) < 3.0)[found.matched]
    return good.sum(), good.mean() if len(good) else 0.0


@pytest.mark.parametrize("tracking", [True, False])
@pytest.mark.parametrize(
    "light",
    [{"light": 0.1}, {"light": 3.0}, {"gamma": 2.2}, {"light": 0.5, "veil": 0.8}],
    ids=["dark", "glare", "gamma", "veil"],
)
def test_another_light_is_seen_through(photograph, light, tracking):
    with closing(make_observer("sift", CAMERA, tracking=tracking, background=False)) as observer:
        observer.set_desired(photograph)
        found = observer.observe(shifted(photograph, 12, **light))
    count, share = right(found, 12)
    assert count > 50 and share > 0.95


def test_an_exposure_that_swings_loses_nothing(photograph):
    with closing(make_observer("sift", CAMERA, tracking=True, background=False)) as observer:
        observer.set_desired(photograph)
        free = observer.observe(shifted(photograph, 0)).count
        for k in range(1, 13):
            light = 10.0 ** (-0.5 + 0.5 * np.cos(0.5 * k))
            found = observer.observe(shifted(photograph, 2 * k, light=light, seed=k))
            count, share = right(found, 2 * k)
            assert count > 0.4 * free and share > 0.98, f"frame {k}, light {light:.2f}"


def test_images_in_about_the_same_light_stay_as_they_are(photograph):
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    light = Light.of(grey)
    for factor in (0.5, 1.0, 2.0):
        image = np.clip(factor * grey, 0, 255).astype(np.uint8)
        assert light.levelled(image) is image


def test_a_dark_image_gets_the_light_of_the_desired_one_whatever_lamp_is_in_view(photograph):
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    dark = (0.1 * grey).astype(np.uint8)
    dark[:40, :40] = 255
    levelled = Light.of(grey).levelled(dark)
    assert levelled[100:].mean() == pytest.approx(grey[100:].mean(), abs=10.0)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_image_is_not_stretched(photograph, level):
    light, blank = Light.of(photograph[:, :, 0].copy()), np.full((480, 640), level, np.uint8)
    assert light.levelled(blank) is blank


def test_what_the_mask_hides_does_not_count(photograph):
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    mask = np.full_like(grey, 255)
    mask[:, :200] = 0
    image = grey.copy()
    image[:, 200:] //= 10
    image[:, :100] = 255
    assert Light.of(grey, mask).levelled(image, mask)[:, 200:].std() > 0.8 * grey[:, 200:].std()
    nothing = np.zeros_like(mask)
    assert Light.of(grey, nothing).levelled(image, nothing) is image
