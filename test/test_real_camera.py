"""A camera like real ones: every effect by a physical property that it must have."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.camera.calibration import calibrated, true_lens
from cns_core.twin.camera.camera import RealCamera
from cns_core.twin.camera.cells import Cells
from cns_core.twin.camera.exposure import TARGET, AutoExposure
from cns_core.twin.camera.lighting import Lighting
from cns_core.twin.camera.model import EFFECTS, CameraModel, without
from cns_core.twin.camera.mosaic import compressed, demosaic, mosaic
from cns_core.twin.camera.motion import ImageMotion
from cns_core.twin.camera.optics import blur_px, blurred, vignette
from cns_core.twin.camera.photons import PhotonNoise, convert
from cns_core.twin.camera.presets import MODELS, PRESETS, WEBCAM, camera_model
from cns_core.twin.camera.response import encode, light_of
from cns_core.twin.world.scene import PhotoPlane, Rendered, Scene
from cns_core.twin.world.solid import sheet
from cns_core.twin.world.tool_in_view import ToolInView

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
LENS = replace(CAMERA, distortion=(0.05, -0.12, 1e-3, -1e-3, 0.0))
ABOVE = se3.look_at((0.02, -0.03, 0.5), (0.0, 0.0, 0.0))
REST = np.zeros(6)
SIDEWAYS = np.array([0.2, 0.0, 0.0, 0.0, 0.0, 0.0])
ANY_WAY = np.array([0.1, -0.15, 0.1, 0.1, 0.2, 0.4])
FAULTLESS = CameraModel()


@pytest.fixture(scope="module")
def scene():
    return Scene(3)


def upright_line():
    """A white line of 10 mm on black, upright in the image of a camera that looks straight down."""
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, 145:155] = 255
    return Rendered([sheet(0.3, 0.3, image)], (0, 0, 0))


def middles(image):
    """Column of the middle of the line in some rows."""
    rows = image[40:440, :, 1].astype(float)
    return (rows * np.arange(640)).sum(axis=1) / rows.sum(axis=1)


def shot(model, scene, T=ABOVE, twist=REST, seed=0, **given):
    camera = RealCamera(model, CAMERA, seed)
    camera.settle(scene, T)
    return camera.shoot(scene, T, twist, **given).image


DOWN = se3.pose(np.diag([1.0, -1.0, -1.0]), (0.0, 0.0, 0.3))


def test_a_camera_without_faults_shows_what_is_rendered(scene):
    plain = replace(FAULTLESS, white_e_per_s=FAULTLESS.full_well_e / FAULTLESS.exposure_s)
    view = scene.render(ABOVE, CAMERA)
    gap = cv2.absdiff(shot(plain, scene), view)
    assert gap[view > 12].max() <= 1
    assert gap.max() <= 4  # dark levels are coded finer than the converter has them


@pytest.mark.parametrize("readout_s", [0.01, 0.03])
def test_an_upright_line_slants_as_rows_are_read_while_the_camera_moves_sideways(readout_s):
    columns = middles(shot(replace(FAULTLESS, readout_s=readout_s), upright_line(), DOWN, SIDEWAYS))
    slant = np.polyfit(np.arange(400), columns, 1)[0]
    assert slant == pytest.approx(-540.0 * 0.2 / 0.3 * readout_s / 480, rel=0.03)
    still = middles(shot(replace(FAULTLESS, readout_s=readout_s), upright_line(), DOWN))
    assert np.ptp(still) < 0.05


@pytest.mark.parametrize("lens", [CAMERA, LENS], ids=["pinhole", "distorted"])
@pytest.mark.parametrize("row", [60, 240, 440])
def test_every_row_is_what_a_camera_at_its_time_sees(lens, row, scene):
    readout_s = 0.03
    seen = scene.surfaces(ABOVE, lens)
    motion = ImageMotion(lens)
    velocity = motion.velocity(ANY_WAY, seen.inverse_depth)
    moved = motion.seen(seen.image.astype(np.float32), velocity, readout_s, 0.0)
    then = (row - 239.5) / 480 * readout_s
    exact = scene.render(ABOVE @ se3.exp(ANY_WAY * then), lens)
    gap = np.abs(moved[row - 1 : row + 2] - exact[row - 1 : row + 2])
    unmoved = np.abs(seen.image[row - 1 : row + 2].astype(float) - exact[row - 1 : row + 2])
    assert np.median(gap) < 3.0
    if row != 240:
        assert np.mean(gap) < 0.4 * np.mean(unmoved)


def test_motion_blur_is_as_long_as_the_way_during_the_exposure():
    widths = []
    for exposure_s in (0.001, 0.02):
        model = replace(FAULTLESS, exposure_s=exposure_s, motion_blur=True, gamma=1.0)
        model = replace(model, white_e_per_s=model.full_well_e / exposure_s)
        row = shot(model, upright_line(), DOWN, SIDEWAYS)[240, :, 1].astype(float)
        at = np.arange(640)
        middle = (row * at).sum() / row.sum()
        widths.append((row * (at - middle) ** 2).sum() / row.sum())
    way_px = 540.0 * 0.2 / 0.3 * 0.02
    # Variances of a line and of a box of the way's length add; four samples make a box of 15/16.
    assert widths[1] - widths[0] == pytest.approx(15 / 16 * way_px**2 / 12, rel=0.1)


def test_a_stamp_is_when_the_first_row_is_read():
    model = replace(FAULTLESS, exposure_s=0.004, readout_s=0.03)
    camera = RealCamera(model, CAMERA, 0)
    assert camera.delay_s == pytest.approx(0.013)
    ahead = middles(camera.shoot(upright_line(), DOWN, SIDEWAYS).image)[200]
    assert ahead == pytest.approx(320.0 - 540.0 * 0.2 / 0.3 * 0.013, abs=0.05)


@pytest.mark.parametrize("electrons", [20.0, 500.0, 5000.0])
def test_the_variance_of_shot_noise_is_its_mean_and_read_noise_adds(electrons):
    noise = PhotonNoise(5.0, seed=1)
    counts = noise.count(np.full((400, 400), electrons, np.float32))
    assert counts.mean() == pytest.approx(electrons, rel=0.02)
    assert counts.var() == pytest.approx(electrons + 25.0, rel=0.02)


def test_gain_makes_the_same_electrons_brighter_and_no_less_noisy():
    electrons = PhotonNoise(2.0, 0).count(np.full((200, 200), 400.0, np.float32))
    low, high = (convert(electrons, 8000.0, gain, 12).astype(float) for gain in (1.0, 8.0))
    assert high.mean() == pytest.approx(8.0 * low.mean(), rel=0.01)
    assert high.std() / high.mean() == pytest.approx(low.std() / low.mean(), rel=0.02)


def test_a_full_pixel_takes_no_more():
    numbers = convert(np.array([[7e3, 8e3, 2e4]], np.float32), 8e3, 1.0, 10)
    assert numbers.tolist() == [[895, 1023, 1023]]


def test_noise_differs_from_image_to_image_and_repeats_with_the_seed(scene):
    def two(seed):
        camera = RealCamera(WEBCAM, CAMERA, seed)
        return [camera.shoot(scene, ABOVE, ANY_WAY).image for _ in range(2)]

    first, again, other = two(4), two(4), two(5)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(*first)
    assert not np.array_equal(first[0], other[0])


def followed(levels, model=WEBCAM):
    """Brightness, over the target, of images of scenes whose light at exposure 1 is ``levels``."""
    exposure, seen = AutoExposure(model), []
    for level in levels:
        seen.append(exposure.now.total * level)
        exposure.measured(seen[-1])
    return np.array(seen) / TARGET


def test_exposure_follows_the_light_with_a_lag_and_without_swinging():
    seen = followed([30.0] * 40 + [12.0] * 60)
    assert seen[39] == pytest.approx(1.0, abs=0.1)
    after = seen[40:]
    assert after[:3] == pytest.approx(0.4 * seen[39])  # what is on its way stays as it was set
    assert after[3] > after[2]
    assert abs(after[30:] - 1.0).max() < 0.1
    assert after.max() < 1.1


def test_exposure_time_comes_first_and_gain_ends_where_it_may():
    exposure = AutoExposure(WEBCAM)
    for _ in range(100):
        exposure.measured(exposure.now.total * 0.01)
    assert exposure.now.time_s == WEBCAM.max_exposure_s
    assert exposure.now.gain == WEBCAM.max_gain
    for _ in range(100):
        exposure.measured(exposure.now.total * 30.0)
    assert exposure.now.time_s < WEBCAM.max_exposure_s
    assert exposure.now.gain == 1.0


def test_a_fixed_exposure_stays():
    exposure = AutoExposure(FAULTLESS)
    exposure.measured(0.01)
    assert exposure.now.time_s == FAULTLESS.exposure_s


def test_halved_light_is_made_up_for_by_the_webcam_alone(scene):
    levels = {}
    for name, frames in (("webcam", 20), ("machine-vision", 5)):
        camera = RealCamera(MODELS[name], CAMERA, 1)
        camera.settle(scene, ABOVE)
        before = camera.shoot(scene, ABOVE, REST).image.mean()
        dark = [camera.shoot(scene, ABOVE, REST, light=0.5).image.mean() for _ in range(frames)]
        assert dark[0] < 0.8 * before
        levels[name] = dark[-1] / before
    assert levels["webcam"] > 0.85
    assert levels["machine-vision"] < 0.6


def test_corners_lack_as_much_light_as_is_said_and_the_middle_none():
    share = vignette(CAMERA, 0.4)
    assert share[240, 320] == pytest.approx(1.0, abs=1e-3)
    assert share.min() == pytest.approx(0.6, abs=1e-3)
    assert (vignette(CAMERA, 0.0) == 1.0).all()
    natural = vignette(CAMERA, 1.0 - np.cos(np.arctan(np.hypot(320, 240) / 540)) ** 4)
    assert natural[240, 0] == pytest.approx(np.cos(np.arctan(320 / 540)) ** 4, rel=1e-3)


def test_defocus_grows_with_the_distance_from_the_focus_and_keeps_light_and_place():
    assert blur_px(0.8, 540.0, 1.35, 0.8) == 0.0
    assert blur_px(0.4, 540.0, 1.35, 0.8) == pytest.approx(0.911, abs=1e-3)
    point = np.zeros((41, 41, 3), np.float32)
    point[20, 20] = 1000.0
    for disc_px in (3.0, 6.0):
        spread = blurred(point, disc_px, 0.0)[:, :, 0]
        y, x = np.indices(spread.shape)
        assert spread.sum() == pytest.approx(1000.0, rel=1e-3)
        assert (spread * x).sum() / 1000.0 == pytest.approx(20.0, abs=1e-3)
        # A disc of diameter d has a variance of d^2/16 along each axis.
        assert (spread * (x - 20) ** 2).sum() / 1000.0 == pytest.approx(disc_px**2 / 16, rel=0.1)


def test_a_mosaic_keeps_flat_colours_and_loses_fine_ones():
    flat = np.empty((20, 20, 3), np.float32)
    flat[:] = (30.0, 90.0, 200.0)
    assert (demosaic(mosaic(flat).astype(np.uint8))[2:-2, 2:-2] == (30, 90, 200)).all()
    stripes = np.zeros((20, 20, 3), np.float32)
    stripes[:, ::2] = 255.0  # white and black columns of one pixel have colours then
    seen = demosaic(mosaic(stripes).astype(np.uint8))[4:-4, 4:-4]
    assert np.ptp(seen.mean(axis=(0, 1))) > 100


def test_compression_loses_the_more_the_lower_the_quality(scene):
    image = scene.render(ABOVE, CAMERA)
    losses = [cv2.absdiff(image, compressed(image, q)).mean() for q in (95, 80, 20)]
    assert 0.5 < losses[0] < losses[1] < losses[2]


def test_a_calibration_is_wrong_by_about_as_much_as_is_said_and_repeats():
    told = [calibrated(true_lens(CAMERA, WEBCAM), WEBCAM, seed) for seed in range(200)]
    assert told[3] == calibrated(true_lens(CAMERA, WEBCAM), WEBCAM, 3)
    assert np.std([lens.fx for lens in told]) == pytest.approx(540 * WEBCAM.focal_error, rel=0.2)
    assert np.std([lens.cx for lens in told]) == pytest.approx(2.0, rel=0.2)
    assert np.std([lens.distortion[0] for lens in told]) == pytest.approx(0.01, rel=0.2)
    assert all(lens.fx / lens.fy == 1.0 for lens in told)
    exact = without(WEBCAM, "calibration")
    assert calibrated(true_lens(CAMERA, exact), exact, 3) == true_lens(CAMERA, exact)


def test_a_highlight_lies_where_the_lamp_is_mirrored():
    white = sheet(2.0, 2.0, np.full((50, 50, 3), 128, np.uint8))
    scene = Rendered([white], (0, 0, 0))
    lighting = Lighting(CAMERA, seed=2, gloss=0.99, arm_shadow=0.0)
    lighting.mirror(scene.textures)
    # The mirrored lamp is under the table; aim so that it is in view.
    lamp = 1.6 * lighting.to_lamp
    eye = np.array([-0.2 * lighting.to_lamp[0], -0.2 * lighting.to_lamp[1], 0.5])
    mirrored = lamp * (1.0, 1.0, -1.0)
    at = eye + (mirrored - eye) * eye[2] / (eye[2] - mirrored[2])
    T = se3.look_at(eye, at)
    light = lighting.highlights(scene.surfaces(T, CAMERA), T)
    y, x = np.unravel_index(light.argmax(), light.shape)
    assert np.hypot(x - 320, y - 240) < 12
    assert light.max() == pytest.approx(2.0, rel=0.05)
    matte = Lighting(CAMERA, seed=2, gloss=0.0, arm_shadow=0.0)
    matte.mirror(scene.textures)
    assert matte.highlights(scene.surfaces(T, CAMERA), T) is None


def test_the_arms_shadow_falls_away_from_the_lamp_and_moves_with_it():
    table = Rendered([sheet(2.0, 2.0, np.full((50, 50, 3), 128, np.uint8))], (0, 0, 0))
    lighting = Lighting(CAMERA, seed=3, gloss=0.0, arm_shadow=0.5)
    eye = np.array([0.0, 0.0, 0.4])
    shadow = eye - eye[2] / lighting.to_lamp[2] * lighting.to_lamp
    T = se3.look_at(eye, (0.01, 0.0, 0.0))
    share = lighting.shade(table.surfaces(T, CAMERA), T)
    u, v = CAMERA.project(((shadow - T[:3, 3]) @ T[:3, :3])[None])[0]
    u, v = np.clip([u, v], 0, (639, 479)).astype(int)
    assert share.max() == pytest.approx(1.0)
    assert share.min() == pytest.approx(0.5, abs=0.02)
    assert share[v, u] < 0.7
    beyond = share[479 - v, 639 - u]
    assert beyond > 0.95


def test_the_face_of_every_pixel_is_told_with_its_normal(scene):
    seen = scene.surfaces(ABOVE, CAMERA)
    table = seen.face[5, 5]
    assert seen.normals[table] == pytest.approx(ABOVE[:3, :3].T @ (0.0, 0.0, 1.0), abs=1e-6)
    assert len(seen.normals) == len(seen.textures) == seen.face.max() + 1


def test_cells_interpolate_what_is_linear_exactly_up_to_the_border():
    cells = Cells(644, 482, 8)
    x, y = cells.pixels.T
    full = cells.full(2.0 * x - 3.0 * y)
    v, u = np.indices((482, 644))
    np.testing.assert_allclose(full, 2.0 * u - 3.0 * v, atol=1e-2)


def test_light_comes_back_as_the_grey_level_it_came_from():
    levels = np.arange(256, dtype=np.uint8).reshape(1, -1)
    numbers = np.rint(light_of(levels) * 4095).astype(np.uint16)
    assert np.abs(encode(numbers, 12, 2.2).astype(int) - levels)[0, 13:].max() <= 1
    assert encode(numbers, 12, 1.0)[0, 128] < 70  # a linear camera shows middle greys dark


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_can_be_left_out(effect):
    less = camera_model(f"webcam-less-{effect}")
    assert less != WEBCAM
    changed = [name for name in vars(WEBCAM) if getattr(less, name) != getattr(WEBCAM, name)]
    assert set(changed) <= set(EFFECTS[effect])


def test_presets_by_name():
    assert camera_model("ideal") is None
    assert camera_model("machine-vision").readout_s == 0.0
    assert PRESETS == ("ideal", "machine-vision", "webcam")
    for wrong in ("phone", "webcam-less-dust", "ideal-less-noise"):
        with pytest.raises(ValueError, match="must be one of"):
            camera_model(wrong)
    with pytest.raises(ValueError, match="readout_s"):
        CameraModel(readout_s=-0.01)
    with pytest.raises(ValueError, match="exposure_s"):
        CameraModel(exposure_s=0.0)
    with pytest.raises(ValueError, match="vignetting"):
        CameraModel(vignetting=1.0)


def test_the_tool_is_sharp_while_the_scene_behind_it_moves(scene):
    model = without(WEBCAM, "noise", "auto-exposure", "shadow", "highlights")
    camera = RealCamera(model, CAMERA, 2)
    still = camera.shoot(scene, ABOVE, np.zeros(6)).image.astype(int)
    moving = camera.shoot(scene, ABOVE, ANY_WAY).image.astype(int)
    gap = np.abs(still - moving).mean(axis=2)
    covered = ToolInView(640, 480, 2).cover > 0.99
    inner = cv2.erode(covered.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    assert inner.sum() > 1000
    assert gap[inner].mean() < 0.2 * gap[~covered].mean()


def test_images_of_a_photograph_are_those_of_its_scene():
    plane = PhotoPlane(1)
    assert len(plane.textures) == 1
    assert shot(WEBCAM, plane).shape == (480, 640, 3)
