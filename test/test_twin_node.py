"""The twin as a camera: what its driver publishes, for every setting of it."""

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from ros_graph import with_parameters
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState

from cns_core.twin.workcell import CAMERA, Workcell
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import age_s, seconds
from cns_ros.ros.depth_codec import decode_depth
from cns_ros.ros.image_codec import decode
from cns_ros.ros.qos import NEWEST, SHARED
from cns_ros.sim.gripper import GRIPPER_JOINTS
from cns_ros.sim.twin import TwinNode, load_hand_eye


class Rig:
    """The twin, and somebody who takes in what it publishes."""

    def __init__(self, graph, host, **parameters):
        self.graph = graph
        self.twin = graph.add(with_parameters(TwinNode, host=host, **parameters))
        self.images = graph.collect(Image, "image", NEWEST)
        self.infos = graph.collect(CameraInfo, "camera_info", NEWEST)

    def shoot(self):
        """The next image and its camera_info."""
        self.images.clear()
        self.infos.clear()
        self.graph.until(lambda: self.images and self.infos)
        return self.images[-1], self.infos[-1]

    def ahead_s(self):
        """How far the next image's stamp is ahead of the clock, with what it was on its way."""
        return -age_s(self.twin, self.shoot()[0].header.stamp)

    def set(self, **parameters):
        results = self.twin.set_parameters([Parameter(k, value=v) for k, v in parameters.items()])
        assert all(result.successful for result in results)


@pytest.fixture
def make_rig(ros_graph, robot_address):
    return lambda **parameters: Rig(ros_graph, robot_address, **parameters)


def test_its_clock_may_be_ahead_or_behind_and_its_images_without_stamps(make_rig):
    rig = make_rig()
    assert abs(rig.ahead_s()) < 20.0
    rig.set(clock_ahead=1000.0)
    rig.graph.until(lambda: 980.0 < rig.ahead_s() < 1000.0)
    rig.set(clock_ahead=-1000.0)
    rig.graph.until(lambda: -1020.0 < rig.ahead_s() < -999.0)
    rig.set(stamps=False)
    rig.graph.until(lambda: seconds(rig.shoot()[0].header.stamp) == 0.0)


def test_binned_images_come_with_the_calibration_of_the_full_resolution(make_rig, ros_graph):
    depths = ros_graph.collect(Image, "depth_image", NEWEST)
    image, info = make_rig(binning=2, depth="32FC1").shoot()
    assert (image.width, image.height) == (CAMERA.width // 2, CAMERA.height // 2)
    assert (info.width, info.height) == (CAMERA.width, CAMERA.height)
    assert (info.binning_x, info.binning_y) == (2, 2)
    assert info.k[0] == CAMERA.fx
    ros_graph.until(lambda: any(each.header == image.header for each in depths))
    depth = decode_depth(depths[-1])
    assert depth.shape == (image.height, image.width)
    whole = np.isfinite(depth)
    assert 0.4 < whole.mean() < 0.95
    workcell = Workcell(0, load_hand_eye("").T_flange_camera)
    inverse = workcell.render_with_depth(workcell.episode()[0])[1][::2, ::2]
    assert np.median(np.abs(depth * inverse - 1.0)[whole]) < 0.01


def test_compressed_images_show_what_the_others_show(make_rig, ros_graph):
    compressed = ros_graph.collect(CompressedImage, "image/compressed", NEWEST)
    rig = make_rig(compressed=True)
    image, _ = rig.shoot()
    ros_graph.until(lambda: any(each.header == image.header for each in compressed))
    same = next(each for each in compressed if each.header == image.header)
    assert same.format == "bgr8; jpeg compressed bgr8"
    picture = cv2.imdecode(np.frombuffer(same.data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(picture.astype(float) - decode(image)).mean() < 4.0


def test_a_webcam_is_told_nearly_as_it_is_and_sees_what_an_ideal_camera_sees(make_rig):
    rig = make_rig(camera="webcam")
    image, info = rig.shoot()
    told = camera_from_info(info)
    assert told.distortion and told.fx != CAMERA.fx
    assert told.fx == pytest.approx(CAMERA.fx, rel=0.02)
    workcell = Workcell(0, load_hand_eye("").T_flange_camera)
    ideal = workcell.render(workcell.episode()[0])
    grey = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY)[:240] for each in (decode(image), ideal)]
    assert np.corrcoef(*(each.ravel() for each in grey))[0, 1] > 0.7
    assert not np.array_equal(decode(image), decode(rig.shoot()[0]))


def test_a_gripper_tells_its_joints_beside_the_arms(make_rig, ros_graph):
    joints = ros_graph.collect(JointState, "joint_states", SHARED)
    make_rig(gripper=True)
    ros_graph.until(lambda: joints)
    assert tuple(joints[-1].name) == GRIPPER_JOINTS
