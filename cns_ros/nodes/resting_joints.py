"""The angles of an arm at rest, from a topic that others publish their joints on as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from cns_ros.ros.clock import seconds
from cns_ros.ros.joints import UR_JOINTS, joints_by_name

_FRESH_S = 1.0
_STILL_S = 0.3
_STILL_RAD = 2e-4
# How far the newest joint state may lie behind an image: two of them at 10 Hz.
_PAIRED_S = 0.2


class RestingJoints:
    """Takes every JointState of the topic; knows since when the arm has not moved.

    Rest is measured by the messages' stamps, so that a queue of them does no harm. The caller tells
    the time: ``clock_s`` on the node's clock, which stamps are compared with and which stands in
    for a missing one, and ``now`` on the machine's own, which only ever goes forward.
    """

    def __init__(self) -> None:
        self._q: NDArray[np.float64] | None = None
        self._arm = ""
        self._heard_at = self._stamp_s = self._still_since_s = -np.inf
        self._two_arms, self._two_arms_at = "", -np.inf
        self._problem = ""

    def hear(self, message: JointState, clock_s: float, now: float) -> None:
        """Take a message; what is wrong with one is told when there is no better one."""
        stamp_s = seconds(message.header.stamp) or clock_s
        try:
            q, _ = joints_by_name(message)
            arm = next(name for name in message.name if name.endswith(UR_JOINTS[0]))
            silent = now - self._heard_at > _FRESH_S
            _check_age(stamp_s, clock_s)
            if not silent and arm != self._arm:
                self._two_arms, self._two_arms_at = f"{self._arm} and {arm}", now
                return
        except ValueError as reason:
            self._problem = str(reason)
            return
        if stamp_s < self._stamp_s and not silent:
            return  # overtaken by a newer one
        if silent or self._q is None or np.abs(q - self._q).max() > _STILL_RAD:
            self._q, self._still_since_s = q, stamp_s
        self._arm, self._heard_at, self._stamp_s = arm, now, stamp_s

    def at(self, image_stamp_s: float, now: float) -> NDArray[np.float64]:
        """(6,) angles in rad, held since before an image was taken.

        Raises:
            ValueError: saying why they are not known.
        """
        if self._q is None or now - self._heard_at > _FRESH_S:
            raise ValueError(f"no joint_states: {self._problem or 'is the driver connected?'}")
        if now - self._two_arms_at <= _FRESH_S:
            raise ValueError(
                f"joint_states tell of two arms, by {self._two_arms}: remap the topic to that of "
                "the arm with the camera"
            )
        if self._stamp_s - self._still_since_s < _STILL_S:
            raise ValueError("the arm is moving")
        if (early_s := self._still_since_s - image_stamp_s) > 0.0:
            raise ValueError(
                f"no image since the arm came to rest: the newest is from {early_s:.2f} s before"
            )
        if (late_s := image_stamp_s - self._stamp_s) > _PAIRED_S:
            raise ValueError(
                f"no joint_states as new as the image: they are {late_s:.2f} s older, "
                f"allowed {_PAIRED_S} s"
            )
        return self._q


def _check_age(stamp_s: float, clock_s: float) -> None:
    if abs(age_s := clock_s - stamp_s) > _FRESH_S:
        where = "behind" if age_s > 0.0 else "ahead of"
        raise ValueError(
            f"joint_states are stamped {abs(age_s):.2f} s {where} this node's clock, allowed "
            f"{_FRESH_S} s: set the clocks of both machines alike"
        )
