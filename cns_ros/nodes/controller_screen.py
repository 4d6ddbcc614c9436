"""What the controller shows of itself: markers and the goal's frame, for whoever looks."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from cns_core.control.guide import StructureGuide
from cns_core.control.session import ServoSession
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_ros.nodes.camera_path import CameraPath
from cns_ros.nodes.graph_markers import graph_markers
from cns_ros.nodes.motion_markers import motion_markers, words_of
from cns_ros.nodes.structure_markers import structure_markers
from cns_ros.ros.frames import Frames
from cns_ros.ros.qos import OFFERED


class ControllerScreen:
    """Publishes ``~/graph``, ``~/structure``, ``~/motion`` and a frame while somebody listens.

    Args:
        node: whose topics they are.
        session: what is shown.
        goal_frame: name of the desired camera's frame; empty for none.
    """

    def __init__(self, node: Node, session: ServoSession, goal_frame: str) -> None:
        self._session, self._goal_frame = session, goal_frame
        self._graph = _markers(node, "~/graph")
        self._structure = _markers(node, "~/structure")
        self._motion = _markers(node, "~/motion")
        self._frames = Frames(node)
        self._path = CameraPath()
        self._base, self._camera = Header(), Header()
        self._twist = np.zeros(6)

    def begin(self) -> None:
        """An episode starts: its way begins."""
        self._path.begin()

    def take_pose(self, message: PoseStamped) -> None:
        """Take where the camera is."""
        self._base = message.header
        if self._session.report.status.is_active:
            position = message.pose.position
            self._path.add((position.x, position.y, position.z), message.header.frame_id)

    def take_twist(self, twist: NDArray[np.float64]) -> None:
        """Take the (6,) twist that was given to the camera."""
        self._twist = twist

    def show_matches(self, correspondence: Correspondence, header: Header) -> None:
        """Show what was made of one image."""
        self._camera = header
        if _is_watched(self._graph):
            graph = self._session.regulator.controller.graph
            self._graph.publish(graph_markers(graph, correspondence, header))
        guide = self._session.regulator.guide if self._session.report.status.is_active else None
        if _is_watched(self._structure):
            self._structure.publish(structure_markers(guide, header))
        if self._goal_frame and (goal := goal_of(guide)) is not None:
            self._frames.tell(goal, header, self._goal_frame)

    def show_motion(self) -> None:
        """Show how the camera moves and why; to be called often, whether images come or not."""
        if self._camera.frame_id and _is_watched(self._motion):
            words = words_of(self._session)
            self._motion.publish(
                motion_markers(self._path.points, self._twist, words, self._base, self._camera)
            )


def goal_of(guide: StructureGuide | None) -> NDArray[np.float64] | None:
    """(4, 4) pose of the desired camera in the current one's frame, m; None while not known."""
    if guide is None or guide.estimate is None:
        return None
    motion = guide.estimate.motion
    return se3.pose(Rotation.from_rotvec(motion[3:]), motion[:3])


def _markers(node: Node, topic: str) -> Publisher:
    return node.create_publisher(MarkerArray, topic, OFFERED)


def _is_watched(publisher: Publisher) -> bool:
    return bool(publisher.get_subscription_count())
