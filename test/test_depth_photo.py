"""A photograph with depth, seen from elsewhere."""

import numpy as np
import pytest

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.depth_photo import DepthPhoto, Layer
from cns_core.twin.world.depth_warp import trace_from
from cns_core.twin.world.solid import sheet

PHOTO = PinholeCamera(width=200, height=150, fx=200.0, fy=200.0, cx=99.5, cy=74.5)
CAMERA = PinholeCamera(width=128, height=96, fx=110.0, fy=110.0, cx=63.5, cy=47.5)
DOWN = np.diag([1.0, -1.0, -1.0])
T_PHOTO = se3.pose(DOWN, (0.0, 0.0, 1.0))
NORMAL = np.array([0.3, -0.2, 1.0])
"""Inverse depth of a slanted plane over the photograph's normalized plane."""
NEAR = np.s_[50:100, 70:130]
VIEW = se3.pose(DOWN, (0.05, -0.04, 0.9)) @ se3.exp([0, 0, 0, 0.1, -0.06, 0.3])


def rays(camera):
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    points = camera.normalize(np.stack([u, v], axis=-1))
    return np.column_stack([points, np.ones(len(points))])


def scene(near=False, camera=PHOTO):
    inverse = (rays(camera) @ NORMAL).reshape(camera.height, camera.width).astype(np.float32)
    image = np.full((*inverse.shape, 3), 200, np.uint8)
    if near:
        inverse[NEAR], image[NEAR] = 2.0, (0, 0, 255)
    return DepthPhoto(Layer.of(image, inverse), camera, T_PHOTO)


def slanted_depth(T):
    """(H, W) exact inverse depth of the slanted plane in a view."""
    T_pc = se3.inverse(T_PHOTO) @ T
    inverse = (rays(CAMERA) @ T_pc[:3, :3].T @ NORMAL) / (1.0 - NORMAL @ T_pc[:3, 3])
    return inverse.reshape(CAMERA.height, CAMERA.width)


def test_a_slanted_plane_is_where_geometry_has_it():
    seen = scene().surfaces(VIEW, CAMERA)
    shown = seen.face == 0
    assert shown.mean() > 0.8
    np.testing.assert_allclose(seen.inverse_depth[shown], slanted_depth(VIEW)[shown], rtol=1e-3)
    assert (seen.inverse_depth[seen.face < 0] == 0).all()


def test_what_is_found_at_once_stays_found():
    """Where nothing is left to improve the secant has no slope."""
    surface = scene().front.inverse_depth
    points, start = rays(PHOTO)[:, :2], surface.ravel()
    traced = trace_from(surface, PHOTO, np.eye(4), points, start)
    assert traced.settled.mean() > 0.95  # but for rounding at the border
    np.testing.assert_allclose(traced.inverse_depth[traced.settled], start[traced.settled], 1e-4)


def test_of_two_things_behind_a_pixel_the_nearer_is_seen():
    seen = scene(near=True).surfaces(VIEW, CAMERA)
    red = seen.image[:, :, 0] < 50
    assert red.mean() > 0.05
    assert np.median(seen.inverse_depth[red]) > 1.5 * np.median(seen.inverse_depth[~red])
    # What the near thing hid from the photograph's camera was not photographed.
    assert (seen.face == 1).any()
    assert scene(near=True).photographed(VIEW, CAMERA) < 1.0


def test_depth_at_pixels_is_that_of_the_view():
    pixels = np.array([[30.0, 40.0], [64.2, 50.7]])
    exact = slanted_depth(VIEW)[[40, 51], [30, 64]]
    np.testing.assert_allclose(1.0 / scene().depth(VIEW, CAMERA, pixels), exact, rtol=0.01)


def test_a_scene_of_another_size_looks_the_same():
    far = VIEW.copy()
    far[:3, 3] *= 3.0
    before, after = scene().surfaces(VIEW, CAMERA), scene().scaled(3.0).surfaces(far, CAMERA)
    assert np.abs(before.image.astype(int) - after.image).max() <= 1
    np.testing.assert_allclose(after.inverse_depth * 3.0, before.inverse_depth, rtol=1e-3)


def test_solids_are_seen_before_it():
    board = sheet(0.05, 0.05, np.zeros((8, 8, 3), np.uint8)).at(se3.pose(translation=(0, 0, 0.6)))
    image = scene().render(VIEW, CAMERA, [board])
    assert (image.max(axis=2) == 0).any()


def test_nothing_in_it_can_be_moved():
    with pytest.raises(ValueError, match="cannot be moved"):
        scene().with_moved(1, (0.1, 0.0, 0.0))
