"""How far the scene is: which source wins, and what is made of a depth image full of holes."""

import numpy as np
import pytest
from support_structure import GOAL, START, World

from cns_core.control.depth_prior import USUAL_M, DepthPrior
from cns_core.control.guide import StructureGuide
from cns_core.control.ibvs import IbvsController
from cns_core.control.motion_stop import MotionStop
from cns_core.control.regulator import Regulator
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.depth_image import DepthImage, desired_distance
from cns_core.observers.observer import Observer
from cns_core.servo import VisualServo

CAMERA = PinholeCamera(320, 240, 270.0, 270.0, 160.0, 120.0)
KEYPOINTS = np.random.default_rng(0).uniform([-0.4, -0.3], [0.4, 0.3], (60, 2))


def test_motion_wins_over_a_number_and_a_number_over_a_depth_image():
    prior = DepthPrior()
    assert (prior.metres, prior.source, prior.cautious) == (USUAL_M, "assumed", True)
    prior.seed(0.7)
    assert (prior.metres, prior.source, prior.cautious) == (0.7, "depth_image", False)
    prior.give(0.4)
    assert (prior.metres, prior.source, prior.cautious) == (0.4, "given", False)
    prior.measure(0.6)
    prior.measure(None)
    assert (prior.metres, prior.source, prior.cautious) == (0.6, "structure", False)
    prior.give(0.4)
    assert prior.source == "structure"


def test_another_number_on_the_way_takes_effect_and_so_does_auto():
    prior = DepthPrior()
    prior.start(0.4)
    prior.measure(0.6)
    prior.give(0.5)
    assert (prior.metres, prior.source) == (0.5, "given")
    prior.give("auto")
    assert (prior.metres, prior.source) == (USUAL_M, "assumed")


def test_another_goal_is_another_distance():
    prior = DepthPrior()
    prior.start("auto", 0.7)
    prior.measure(0.6)
    prior.start("auto")
    assert prior.source == "assumed"


@pytest.mark.parametrize("value", ["far", True, 0.0, float("nan")])
def test_what_is_no_distance_is_refused_and_changes_nothing(value):
    prior = DepthPrior()
    prior.give(0.4)
    with pytest.raises(ValueError, match=f"depth_prior must be .* or 'auto', got {value!r}"):
        prior.give(value)
    assert prior.metres == 0.4


def test_a_regulator_begins_with_what_a_depth_image_told():
    regulator = Regulator(IbvsController(), MotionStop(), guide=StructureGuide())
    world = World()
    speeds = []
    for prior, depth_m in (("auto", 0.04), (0.02, None)):
        regulator.start(world.desired, prior, depth_m)
        speeds.append(regulator.step(world.matches(START), 0.0).twist[0])
    assert speeds[0] == pytest.approx(2.0 * speeds[1], rel=0.1)


def plane(distance_m=0.5, unit=np.float32):
    depth = np.full((CAMERA.height, CAMERA.width), distance_m)
    return np.rint(1e3 * depth).astype(unit) if unit == np.uint16 else depth.astype(unit)


@pytest.mark.parametrize(
    ("unit", "hole"),
    [(np.uint16, 0), (np.float32, np.nan), (np.float32, np.inf), (np.float64, 0.0)],
)
def test_holes_are_passed_over_in_either_unit(unit, hole):
    image = plane(0.5, unit)
    rng = np.random.default_rng(1)
    image[rng.random(image.shape) < 0.5] = hole
    image[:, :100] = hole
    middle = 0.5 * np.array([*KEYPOINTS[KEYPOINTS[:, 0] > -0.2].mean(axis=0), 1.0])
    found = DepthImage(image, CAMERA).distance(KEYPOINTS)
    assert found == pytest.approx(np.linalg.norm(middle), rel=0.02)


def test_keypoints_outside_the_image_and_in_holes_have_no_depth():
    image = plane()
    image[:60] = 0.0
    points = np.array([[0.0, 0.0], [0.0, -0.4], [5.0, 0.0], [np.nan, 0.0]])
    np.testing.assert_array_equal(
        DepthImage(image, CAMERA).at(points), [np.float32(0.5), np.nan, np.nan, np.nan]
    )


def test_a_minority_far_behind_or_before_the_scene_does_not_count():
    image = plane(0.5)
    image[:, :90] = 3.0
    assert DepthImage(image, CAMERA).distance(KEYPOINTS) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (plane().astype(np.uint8), r"got uint8 \(240, 320\)"),
        (plane()[:, :, None], r"got float32 \(240, 320, 1\)"),
        (plane()[:200], "is 320x200 pixels, but the camera's images are 320x240"),
    ],
)
def test_what_is_no_depth_image_of_the_camera_is_named(image, complaint):
    with pytest.raises(ValueError, match=complaint):
        DepthImage(image, CAMERA)


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (plane(np.nan), "0 of 60 keypoints have a depth, 12 are needed"),
        (plane(500.0), "the scene is 50. m away .* 16UC1 must be in mm, 32FC1 in m"),
        (plane(0.001), "the scene is 0.001 m away"),
    ],
)
def test_depths_that_cannot_be_are_refused(image, complaint):
    with pytest.raises(ValueError, match=complaint):
        DepthImage(image, CAMERA).distance(KEYPOINTS)


@pytest.mark.parametrize("off", [[0, 0, 0, 0, 0, 0], [0.02, 0, -0.2, 0.1, 0, 0.8]])
def test_the_desired_views_distance_follows_from_that_of_any_view(off):
    world = World(height_m=0.02)
    T = GOAL @ se3.exp(np.array(off, float))
    seen = world.matches(T, wrong=np.arange(120) < 30)
    local = (world.points - T[:3, 3]) @ T[:3, :3]
    depth = DepthImage(np.full((240, 320), np.median(local[:, 2])), CAMERA)
    assert desired_distance(depth, seen) == pytest.approx(0.6, rel=0.1)


def test_a_view_without_matches_tells_nothing():
    nothing = Correspondence(KEYPOINTS, KEYPOINTS, np.zeros(60, bool))
    with pytest.raises(ValueError, match="0 keypoints are matched, 4 are needed"):
        desired_distance(DepthImage(plane(), CAMERA), nothing)


class Still(Observer):
    """An observer that sees the goal in every image."""

    def __init__(self):
        self.desired = None

    def set_desired(self, image):
        self.desired = KEYPOINTS

    def observe(self, image):
        return Correspondence(KEYPOINTS, KEYPOINTS, np.ones(60, bool))

    def close(self):
        pass


def test_the_library_takes_a_depth_image_with_the_desired_one():
    image = np.zeros((CAMERA.height, CAMERA.width), np.uint8)
    with VisualServo(CAMERA, Still(), "ibvs", terminal="structure") as servo:
        prior = servo.regulator.prior
        servo.set_desired(image)
        assert prior.source == "assumed"
        servo.set_desired(image, depth_image=plane(0.5, np.uint16))
        assert (round(prior.metres, 1), prior.source) == (0.5, "depth_image")
        servo.set_desired(image, 0.8, plane(0.5, np.uint16))
        assert (prior.metres, prior.source) == (0.8, "given")
        with pytest.raises(ValueError, match="got uint8"):
            servo.set_desired(image, depth_image=plane().astype(np.uint8))
