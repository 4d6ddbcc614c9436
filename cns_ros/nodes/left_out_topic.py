"""The topic ``controller/left_out``: keypoints that are not the scene's, told and obeyed."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from cns_core.control.regulator import Step
from cns_core.control.session import ServoSession
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers.observer import Observer
from cns_ros.ros.guard import GuardedNode, Refuse
from cns_ros.ros.matches import correspondence_from_matches, matches_from_correspondence
from cns_ros.ros.qos import LATCHED

_SAME = 1e-6
"""Keypoints so near are the same: messages hold single precision."""


class TellLeftOut:
    """Publishes ``~/left_out`` of a controller, whenever it changes.

    It says what the episode under way leaves out, and between episodes nothing: the next one needs
    matches to begin with, also where an arm that did not obey has made a scene seem a tool.

    Args:
        node: whose topic it is.
    """

    def __init__(self, node: Node) -> None:
        self._publisher = node.create_publisher(PointCloud2, "~/left_out", LATCHED)
        self._told: Correspondence | None = None

    def tell(self, session: ServoSession, step: Step | None, header: Header) -> None:
        """Say it after a call of the session that has made ``step``, or None.

        Args:
            header: of the newest matches.
        """
        if session.report.status.is_active:
            if step is not None:
                self._say(step.correspondence.desired, step.left_out, header)
        elif session.matches is not None:
            desired = session.matches.correspondence.desired
            self._say(desired, np.zeros(len(desired), dtype=bool), header)

    def _say(self, desired: np.ndarray, left_out: np.ndarray, header: Header) -> None:
        # The first is said even if it is nothing: an observer may still obey a controller that is
        # no more.
        if (told := self._told) is not None:
            nothing = not (told.count or left_out.any())
            if nothing or (told.same_target(desired) and np.array_equal(told.matched, left_out)):
                return
        self._told = Correspondence(desired, desired, left_out)
        self._publisher.publish(matches_from_correspondence(self._told, header))


class HearLeftOut:
    """Hears ``controller/left_out``, and tells on ``~/left_out`` from which image on it is obeyed.

    Args:
        node: of the observer.
        refuse: is told why a message is refused.

    Attributes:
        keypoints: (N,) bool, those of the goal in use that are left out.
        heard: what was said last, matched where a keypoint is to be left out; None before that.
    """

    def __init__(self, node: GuardedNode, refuse: Refuse) -> None:
        self.keypoints = np.zeros(0, dtype=bool)
        self.heard: Correspondence | None = None
        self._obeyed: Correspondence | None = None
        self._desired: np.ndarray | None = None
        self._publisher = node.create_publisher(PointCloud2, "~/left_out", LATCHED)
        node.create_subscription(
            PointCloud2, "controller/left_out", self._take, LATCHED, refuse=refuse
        )

    def _take(self, message: PointCloud2) -> None:
        self.heard = correspondence_from_matches(message)

    def apply(self, observer: Observer, header: Header) -> None:
        """Have the observer leave out what was heard, if it is of its goal.

        Args:
            header: of the image that it is going to look at.
        """
        heard, desired, before = self.heard, observer.desired, self.keypoints
        if desired is None or (desired is self._desired and heard is self._obeyed):
            return
        if desired is not self._desired:  # it has forgotten what it left out
            self.keypoints = np.zeros(len(desired), dtype=bool)
        if heard is not None and same_goal(heard, desired):
            self.keypoints = heard.matched
        unchanged = desired is self._desired and np.array_equal(before, self.keypoints)
        self._desired, self._obeyed = desired, heard
        if unchanged or not (before.any() or self.keypoints.any()):
            return
        observer.leave_out(self.keypoints)
        told = Correspondence(desired, desired, self.keypoints)
        self._publisher.publish(matches_from_correspondence(told, header))


def same_goal(told: Correspondence, desired: np.ndarray) -> bool:
    """Whether a message is about these (N, 2) desired keypoints."""
    there = told.desired
    return there.shape == desired.shape and np.allclose(there, desired, rtol=0.0, atol=_SAME)
