"""The mask of what hides the scene: from a file, as polygons, and of another size."""

import cv2
import numpy as np
import pytest

from cns_core import PinholeCamera
from cns_ros.nodes.scene_mask import SceneMask

CAMERA = PinholeCamera(64, 48, 50.0, 50.0, 32.0, 24.0)
SMALL = PinholeCamera(32, 24, 25.0, 25.0, 16.0, 12.0)


def test_no_mask_hides_nothing():
    assert SceneMask("").of(CAMERA) is None


@pytest.mark.parametrize("text", ["10,20 30,20 30,40 10,40", " 10.0, 20  30,20\n30,40 10,40;"])
def test_a_polygon_hides_its_inside(text):
    mask = SceneMask(text).of(CAMERA)
    assert mask.shape == (48, 64)
    assert not mask[21:40, 11:30].any()
    assert mask[:20].all() and mask[:, 31:].all() and mask[41:].all()


def test_two_polygons():
    mask = SceneMask("0,0 5,0 5,5 0,5; 60,40 64,40 64,48 60,48").of(CAMERA)
    assert not mask[2, 2] and not mask[47, 63] and mask[24, 32]


def test_a_file_is_black_where_nothing_is_seen(tmp_path):
    image = np.full((48, 64), 255, np.uint8)
    image[30:] = 0
    cv2.imwrite(str(tmp_path / "mask.png"), image)
    mask = SceneMask(str(tmp_path / "mask.png"))
    np.testing.assert_array_equal(mask.of(CAMERA) > 0, image > 0)
    with pytest.raises(ValueError, match="mask is 64x48 pixels.*32x24"):
        mask.of(SMALL)


def test_corners_outside_of_the_image_are_named():
    mask = SceneMask("10,20 60,20 60,40")
    assert mask.of(CAMERA) is not None
    with pytest.raises(ValueError, match="corner 60,20.*32x24"):
        mask.of(SMALL)


@pytest.mark.parametrize("text", ["1,2 3,4", "0,0 1,0 1,1; 3,3"])
def test_a_polygon_needs_three_corners(text):
    with pytest.raises(ValueError, match="3 corners"):
        SceneMask(text)


def test_neither_file_nor_polygon():
    with pytest.raises(ValueError, match="mask: '1,2 x,4' cannot be read"):
        SceneMask("1,2 x,4")
