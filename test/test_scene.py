"""The rendered scene: projection, occlusion, depth, seeds and odd camera poses."""

import cv2
import numpy as np
import pytest

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.atlas import Atlas
from cns_core.twin.world.raycast import cast
from cns_core.twin.world.render import render
from cns_core.twin.world.scene import PhotoPlane, Scene
from cns_core.twin.world.sensor import ImageSensor
from cns_core.twin.world.solid import prism, sheet
from cns_core.twin.world.textures import Texture

CAMERA = PinholeCamera(640, 480, 540.0, 540.0, 320.0, 240.0)
LENS = PinholeCamera(640, 480, 540.0, 545.0, 310.0, 236.0, (-0.2, 0.05, 0.001, -0.001))
VIEWS = [(0.05, -0.15, 0.6), (0.4, 0.2, 0.45), (-0.3, 0.35, 0.3), (0.01, 0.0, 0.35)]


def _square(half):
    return half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


@pytest.fixture(scope="module")
def scene():
    return Scene(3)


def _blobs():
    """A sheet of soft dots and where their centres lie on it, in m."""
    size, spacing = 900, 75
    at = np.arange(spacing, size - spacing + 1, spacing) + 0.25
    x, y = np.meshgrid(at, at)
    grid = np.arange(size)
    profile = np.exp(-((grid - at[:, None]) ** 2) / (2 * 3.5**2)).sum(axis=0)
    image = np.rint(255 * np.outer(profile, profile)).astype(np.uint8)
    centres = np.column_stack([x.ravel() + 0.5, y.ravel() + 0.5]) / size - 0.5
    points = np.column_stack([0.6 * centres[:, 0], -0.6 * centres[:, 1], np.zeros(len(centres))])
    return sheet(0.6, 0.6, cv2.merge([image] * 3)), points


@pytest.mark.parametrize("camera", [CAMERA, LENS], ids=["pinhole", "distorted"])
@pytest.mark.parametrize("eye", VIEWS)
def test_texture_is_where_projection_puts_it(camera, eye):
    solid, points = _blobs()
    T = se3.look_at(eye, (0, 0, 0))
    image = render([solid], T, camera, (0, 0, 0))[0][..., 0].astype(float)
    pixels = camera.project((points - T[:3, 3]) @ T[:3, :3])
    inside = ((pixels > 20) & (pixels < (620, 460))).all(axis=1)
    errors = []
    for x, y in pixels[inside]:
        u, v = np.meshgrid(
            np.arange(round(x) - 9, round(x) + 10), np.arange(round(y) - 9, round(y) + 10)
        )
        weight = image[v, u] * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 4.0**2))
        errors.append((np.sum(weight * (u - x)), np.sum(weight * (v - y))) / weight.sum())
    errors = np.array(errors)
    assert len(errors) > 20
    assert np.linalg.norm(errors.mean(axis=0)) < 0.02
    assert np.linalg.norm(errors, axis=1).max() < 0.12


@pytest.mark.parametrize("eye", VIEWS)
def test_image_agrees_with_one_rendered_at_six_times_the_size(scene, eye):
    """Shift of patches against an area-averaged large rendering: no bias from resampling."""
    k = 6
    large = PinholeCamera(640 * k, 480 * k, 540.0 * k, 540.0 * k, 320.5 * k - 0.5, 240.5 * k - 0.5)
    T = se3.look_at(eye, (0, 0, 0))
    fine = cv2.resize(scene.render(T, large), (640, 480), interpolation=cv2.INTER_AREA)
    a, b = (
        cv2.cvtColor(im, cv2.COLOR_BGR2GRAY).astype(float) for im in (fine, scene.render(T, CAMERA))
    )
    gx, gy = cv2.Sobel(a, -1, 1, 0, scale=1 / 8), cv2.Sobel(a, -1, 0, 1, scale=1 / 8)
    shifts = []
    for y in range(16, 464, 32):
        for x in range(16, 624, 32):
            s = np.s_[y - 15 : y + 16, x - 15 : x + 16]
            A = np.column_stack([gx[s].ravel(), gy[s].ravel(), a[s].ravel(), np.ones(31 * 31)])
            if np.linalg.eigvalsh(A[:, :2].T @ A[:, :2])[0] > 5e3:
                solution = np.linalg.lstsq(A, b[s].ravel(), rcond=None)[0]
                shifts.append(-solution[:2] / solution[2])
    shifts = np.array(shifts)
    assert len(shifts) > 100
    assert np.linalg.norm(shifts.mean(axis=0)) < 0.02
    assert np.median(np.linalg.norm(shifts, axis=1)) < 0.03


@pytest.mark.parametrize("camera", [CAMERA, LENS], ids=["pinhole", "distorted"])
@pytest.mark.parametrize("eye", VIEWS)
def test_inverse_depth_agrees_with_the_ray_caster(scene, camera, eye):
    T = se3.look_at(eye, (0.02, 0.0, 0.03))
    inverse = render(scene.solids, T, camera)[1]
    cast = 1.0 / scene.depth(T, camera)
    gap = np.abs(inverse - cast)
    # Distorted depth is read at the nearest pixel of the ideal view, half a pixel off at most.
    assert np.median(gap) < (1e-5 if camera is CAMERA else 2e-3)
    assert (gap > 0.02).mean() < (1e-4 if camera is CAMERA else 0.02)


def test_depth_of_a_plane_is_exact():
    T = se3.look_at((0.2, -0.3, 0.5), (0, 0, 0))
    pixels = np.array([[320.0, 240.0], [100.5, 300.25]])
    depth = PhotoPlane(0).depth(T, CAMERA, pixels)
    assert depth[0] == pytest.approx(np.linalg.norm((0.2, -0.3, 0.5)), abs=1e-12)
    points = np.column_stack([CAMERA.normalize(pixels), np.ones(2)]) * depth[:, None]
    assert (points @ T[:3, :3].T + T[:3, 3])[:, 2] == pytest.approx(0.0, abs=1e-12)


def _same_but_for_rounding(a, b):
    """Texels are read at 1/32 of their size, rounded with the texture's place in the atlas."""
    return cv2.absdiff(a, b).max() <= 255 / 32 and cv2.absdiff(a, b).mean() < 0.01


def test_the_nearer_solid_hides_the_farther_whatever_the_order():
    rng = np.random.default_rng(0)
    long = prism(rng, _square(0.1) * (3, 0.3), 0.02)
    small = prism(rng, _square(0.02), 0.01).at(se3.pose(translation=(0.25, 0.0, 0.03)))
    # The long box's middle is nearer than the small one's, which lies on top of its end.
    T = se3.look_at((-0.1, 0.0, 0.3), (0.1, 0.0, 0.0), up=(0, 1, 0))
    both, depth = render([small, long], T, CAMERA)
    alone = render([small], T, CAMERA)
    covered = alone[1] > 0
    core = cv2.erode(covered.astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert core.sum() > 500
    assert _same_but_for_rounding(both[core], alone[0][core])
    swapped = render([long, small], T, CAMERA)
    assert np.array_equal(depth, swapped[1])
    assert _same_but_for_rounding(both, swapped[0])


def test_edges_cover_pixels_in_part():
    white = np.full((50, 50, 3), 255, np.uint8)
    # 0.2 m at 0.54 m and f = 540 px is 200 px; shift by a quarter pixel.
    T = se3.pose(np.diag([1.0, -1.0, -1.0]), (0.25e-3, 0.0, 0.54))
    row = render([sheet(0.2, 0.2, white)], T, CAMERA, (0, 0, 0))[0][240, :, 0]
    assert row.astype(float).sum() / 255 == pytest.approx(200.0, abs=0.02)
    assert row[219] == 0 and row[220:419].min() >= 190


def test_atlas_keeps_every_picture_and_a_border_of_its_own():
    rng = np.random.default_rng(0)
    shapes = [(700, 40, 3), (31, 3500, 3), (1, 1, 3)]
    textures = [Texture(rng.integers(0, 256, shape, np.uint8)) for shape in shapes]
    atlas = Atlas(textures)
    for t, texture in enumerate(textures):
        for k, picture in enumerate(texture.levels):
            (x0, y0), (x1, y1) = atlas.low[t, k].astype(int), atlas.high[t, k].astype(int)
            assert np.array_equal(atlas.image[y0 : y1 + 1, x0 : x1 + 1], picture)
            framed = atlas.image[y0 - 1 : y1 + 2, x0 - 1 : x1 + 2]
            assert np.array_equal(framed, np.pad(picture, ((1, 1), (1, 1), (0, 0)), "edge"))
            corner = atlas.to_texels[t, k] @ (0.5 / picture.shape[1], 0.5 / picture.shape[0], 1.0)
            assert corner[:2] == pytest.approx(atlas.low[t, k])


def test_same_seed_same_image_other_seed_other_image(scene):
    T = se3.look_at(VIEWS[0], (0, 0, 0))
    image = scene.render(T, CAMERA)
    assert np.array_equal(image, Scene(3).render(T, CAMERA))
    assert np.abs(image.astype(int) - Scene(4).render(T, CAMERA)).mean() > 20


def test_an_image_does_not_depend_on_what_memory_held(scene):
    T = se3.look_at(VIEWS[1], (0, 0, 0))
    images = []
    for value in (0, 255):
        # What is freed here is likely to be what the renderer is given.
        litter = [np.full(int(size), value, np.uint8) for size in np.geomspace(1e3, 1e6, 60)]
        del litter
        images.append(scene.render(T, CAMERA))
    assert np.array_equal(*images)


def test_scene_has_features_and_the_objects_asked_for(scene):
    image = scene.render(se3.look_at(VIEWS[0], (0, 0, 0)), CAMERA)
    assert len(cv2.SIFT_create().detect(image, None)) > 500
    assert 8 <= len(scene.solids) - 1 <= 12
    assert len(Scene(0, objects=3).solids) == 4
    heights = [s.vertices[:, 2].max() for s in scene.solids[1:]]
    assert min(heights) > 0.02 and max(heights) < 0.16
    assert min(s.vertices[:, 2].min() for s in scene.solids) > -1e-9
    with pytest.raises(ValueError, match="objects must be 0 to 16"):
        Scene(0, objects=-1)


@pytest.mark.parametrize("seed", range(3))
def test_odd_camera_poses_render_without_error(scene, seed):
    rng = np.random.default_rng(seed)
    eyes = [s.centre for s in scene.solids[1:]]  # inside solids
    eyes += [s.vertices[0] + 1e-3 for s in scene.solids[1:]]  # touching them
    eyes += list(rng.uniform(-0.3, 0.3, (20, 3)))  # anywhere, below the table too
    for eye in eyes:
        T = se3.look_at(eye, eye + rng.normal(size=3))
        assert scene.render(T, CAMERA).shape == (480, 640, 3)


def test_looking_away_shows_only_background(scene):
    T = se3.look_at((0, 0, 0.5), (0.01, 0, 1.5))
    assert (scene.render(T, CAMERA) == scene.background).all()
    assert np.isinf(scene.depth(T, CAMERA)).all()


def test_near_clipping_keeps_the_rest_of_a_table_in_place(scene):
    """Grazing over the table, its near part passes the camera; what is ahead must not change."""
    T = se3.look_at((0.0, -0.6, 0.02), (0.0, -0.3, 0.0))
    table = scene.solids[:1]
    pixels = np.stack(np.meshgrid(np.arange(640), np.arange(480)), axis=-1).reshape(-1, 2)
    depth = cast(table, T, CAMERA, pixels).reshape(480, 640)
    gap = np.abs(render(table, T, CAMERA)[1] - 1.0 / depth)
    assert np.isfinite(depth).mean() > 0.3
    assert (gap > 0.02).mean() < 0.005


def test_sensor_light_noise_and_exposure():
    image = np.full((100, 120, 3), 100, np.uint8)
    assert np.array_equal(ImageSensor().expose([image]), image)
    assert (ImageSensor(light=0.5).expose([image]) == 50).all()
    assert (ImageSensor(light=9.0).expose([image]) == 255).all()
    assert (ImageSensor().expose([image, image + 50]) == 125).all()
    sensor = ImageSensor(noise_std=4.0, seed=1)
    first, second = sensor.expose([image]), sensor.expose([image])
    assert first.std() == pytest.approx(4.0, rel=0.05) and first.mean() == pytest.approx(
        100, abs=0.2
    )
    assert not np.array_equal(first, second)
    assert np.array_equal(first, ImageSensor(noise_std=4.0, seed=1).expose([image]))
    with pytest.raises(ValueError, match="noise_std"):
        ImageSensor(noise_std=-1.0)
