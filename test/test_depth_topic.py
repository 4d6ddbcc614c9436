"""The controller's depth prior over real DDS: as a parameter, and from depth images."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from ros_graph import with_parameters
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.twin.workcell import Workcell
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.observer import ObserverNode
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.depth_codec import decode_depth, encode_depth
from cns_ros.ros.matches import matches_from_correspondence
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.sim.twin import TwinNode, load_hand_eye

SMALL = PinholeCamera(160, 120, 135.0, 135.0, 80.0, 60.0)
DESIRED = np.random.default_rng(3).uniform([-0.5, -0.35], [0.5, 0.35], (40, 2))
NEARER = 0.8
"""The desired view's distance over the current one's."""


def holed(depth_m):
    image = np.full((SMALL.height, SMALL.width), depth_m)
    image[np.random.default_rng(0).random(image.shape) < 0.4] = np.nan
    image[:, :30] = np.nan
    return image


class Rig:
    """A controller, and somebody who tells it matches and depths of one moment."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.controller = graph.add(
            with_parameters(ControllerNode, controller="ibvs", **parameters)
        )
        node = graph.node
        self._matches = node.create_publisher(PointCloud2, "matches", OFFERED)
        self._depth = node.create_publisher(Image, "depth_image", NEWEST)
        self._info = node.create_publisher(CameraInfo, "camera_info", NEWEST)
        self.statuses = graph.collect(DiagnosticStatus, "controller/status", LATCHED)
        self._taken = self._clock()
        graph.until(self._matches.get_subscription_count)

    def send(self, depth=None, apart_s=0.0, info=True):
        """Publish a moment: matches, and with the next ones a depth image, which comes sooner.

        Args:
            depth: a message, None for none.
            apart_s: what its stamp is off by.
        """
        header = Header(frame_id="camera", stamp=self._clock() if depth is None else self._taken)
        seen = Correspondence(DESIRED, NEARER * DESIRED, np.ones(len(DESIRED), bool))
        self._matches.publish(matches_from_correspondence(seen, header))
        self._taken = self._clock()
        if depth is not None:
            depth.header.stamp = self._clock(apart_s)
            self._depth.publish(depth)
            if info:
                self._info.publish(info_from_camera(SMALL, header))

    def _clock(self, apart_s=0.0):
        now = self.graph.node.get_clock().now() + Duration(seconds=apart_s)
        return now.to_msg()

    def started(self, **sent):
        """Values of the status once it servoes."""
        self.graph.until(lambda: self.controller.session.matches, lambda: self.send(**sent))
        assert self.graph.call("controller/start").success
        return self.until("depth_prior_source", **sent)

    def until(self, key, value=None, **sent):
        """Values of the status once it has the key, and the value if one is given."""

        def there():
            found = self.values().get(key)
            return found is not None and value in (None, found)

        self.graph.until(there, lambda: self.send(**sent))
        return self.values()

    def values(self):
        return {pair.key: pair.value for pair in self.statuses[-1].values} if self.statuses else {}

    def set(self, value):
        return self.controller.set_parameters([Parameter("depth_prior", value=value)])[0]


def test_auto_is_the_default_and_says_that_it_only_assumes(ros_graph):
    values = Rig(ros_graph).started()
    assert (values["depth_prior_source"], values["depth_prior_m"]) == ("assumed", "0.5")


def test_the_prior_changes_between_a_number_and_auto_on_the_way(ros_graph):
    rig = Rig(ros_graph, depth_prior=1)
    assert rig.started()["depth_prior_m"] == "1"
    for value, source, metres in (("auto", "assumed", "0.5"), (0.25, "given", "0.25")):
        assert rig.set(value).successful
        assert rig.until("depth_prior_source", source)["depth_prior_m"] == metres
    assert rig.set(2).successful
    assert rig.until("depth_prior_m", "2")["depth_prior_source"] == "given"


@pytest.mark.parametrize("value", ["atuo", 0.0, 1000, True, None, [0.5]])
def test_what_is_neither_is_refused_by_what_it_is(ros_graph, value):
    rig = Rig(ros_graph)
    result = rig.set(value)
    assert not result.successful
    expected = f"depth_prior must be 'auto' or a number in [0.01, 100.0] m, got {value!r}"
    assert result.reason.replace("array('d', [0.5])", "[0.5]") == expected
    assert rig.controller.get_parameter("depth_prior").value == "auto"


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_a_depth_image_tells_the_distance_through_its_holes(ros_graph, encoding):
    rig = Rig(ros_graph)
    message = encode_depth(holed(0.5), encoding, Header())
    rig.started(depth=message)
    values = rig.until("depth_prior_source", "depth_image", depth=message)
    assert float(values["depth_prior_m"]) == pytest.approx(NEARER * 0.5, rel=0.05)
    assert "depth_image" not in values


def test_a_number_wins_over_a_depth_image_until_it_is_auto(ros_graph):
    rig = Rig(ros_graph, depth_prior=0.7)
    message = encode_depth(holed(0.5), "16UC1", Header())
    assert rig.started(depth=message)["depth_prior_source"] == "given"
    rig.set("auto")
    values = rig.until("depth_prior_source", "depth_image", depth=message)
    assert float(values["depth_prior_m"]) == pytest.approx(NEARER * 0.5, rel=0.05)


def test_once_the_distance_is_known_depth_images_are_no_longer_taken_in(ros_graph):
    rig = Rig(ros_graph)
    message = encode_depth(holed(0.5), "16UC1", Header())
    rig.started(depth=message)
    rig.until("depth_prior_source", "depth_image", depth=message)
    ros_graph.until(lambda: not ros_graph.node.count_subscribers("depth_image"))


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        ({"depth": (holed(0.5), "8UC1")}, "must be encoded as 16UC1 (mm) or 32FC1 (m), got '8UC1'"),
        ({"depth": (holed(0.5)[:100], "16UC1")}, "is 160x100 pixels, but the camera's images are"),
        ({"depth": (holed(np.nan), "32FC1")}, "0 of 40 keypoints have a depth, 8 are needed"),
        ({"depth": (holed(500.0), "32FC1")}, "16UC1 must be in mm, 32FC1 in m"),
        ({"depth": (holed(0.5), "16UC1"), "apart_s": -3.0}, "s from the image, 0.1 s are allowed"),
        ({"depth": (holed(0.5), "16UC1"), "info": False}, "no camera_info yet"),
    ],
)
def test_depth_images_of_no_use_are_named_and_the_guess_stays(ros_graph, sent, complaint):
    rig = Rig(ros_graph)
    image, encoding = sent["depth"]
    message = encode_depth(image, "16UC1" if encoding == "8UC1" else encoding, Header())
    message.encoding = encoding
    sent = {**sent, "depth": message}
    rig.started(**sent)
    values = rig.until("depth_image", **sent)
    assert complaint in values["depth_image"]
    assert values["depth_prior_source"] == "assumed"


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_padded_rows_and_either_byte_order_are_read(encoding):
    image = holed(0.5)
    message = encode_depth(image, encoding, Header())
    expected = decode_depth(message)
    size = expected.itemsize
    rows = np.frombuffer(message.data, np.uint8).reshape(SMALL.height, -1)
    swapped = rows.reshape(-1, size)[:, ::-1].reshape(rows.shape)
    padded = np.hstack([swapped, np.zeros((SMALL.height, 12), np.uint8)])
    message.data, message.step = padded.tobytes(), padded.shape[1]
    message.is_bigendian = not message.is_bigendian
    np.testing.assert_array_equal(decode_depth(message), expected)
    assert np.isnan(expected).any() or (expected == 0).any()


def test_the_twins_depth_camera_seeds_the_prior_of_a_goal(ros_graph, robot_address):
    controller = ros_graph.add(with_parameters(ControllerNode, controller="ibvs"))
    ros_graph.add(with_parameters(ObserverNode, observer="orb", tracking=False))
    ros_graph.add(with_parameters(TwinNode, host=robot_address, depth="16UC1"))
    ros_graph.until(lambda: ros_graph.call("observer/set_desired").success)
    ros_graph.until(lambda: (known := controller.session.matches) and known.depth_m)
    workcell = Workcell(0, load_hand_eye("").T_flange_camera)
    height_m = workcell.camera_pose(workcell.episode()[0])[2, 3]
    assert controller.session.matches.depth_m == pytest.approx(height_m, rel=0.25)
