"""A simulated arm behind the ROS 2 driver of its vendor: joints out, twists of the flange in.

As such drivers do, it follows the last twist until the next one comes, whatever its stamp, and
tells nothing of safety stops. ``joint_states`` are in the order of the alphabet, with a gripper's.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import TwistStamped
from numpy.typing import NDArray
from rclpy.subscription import Subscription
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.settings import check, setting
from cns_core.twin.robot.control_box import Q_HOME
from cns_core.twin.robot.motion_log import MotionWriter
from cns_core.twin.robot.motions import TICK_S, SpeedL
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.joints import UR_JOINTS
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.poses_twists import twist_from_message
from cns_ros.ros.qos import NEWEST, OFFERED
from cns_ros.ros.run import run
from cns_ros.sim.gripper import Gripper

DELAY_S = 0.4
"""How late joint states are under the fault ``late``."""
FAULTS = ("none", "silent", "late", "stopped", "deactivated")
_JOINTS_S = 0.008
_ACCELERATION_M_S2 = 5.0


@dataclass(frozen=True)
class VendorArmSettings:
    """Parameters of the ``vendor_arm`` node."""

    host: str = setting("127.0.0.33", "name of the motion's log")
    fault: str = setting(
        "none",
        "joint states that are silent or late, an arm that its safety system has stopped, or a "
        "controller that is deactivated",
        choices=FAULTS,
        live=True,
    )

    def __post_init__(self) -> None:
        check(self)


class VendorArmNode(GuardedNode):
    """The arm moves in a thread of its own, in ticks as of a control box."""

    def __init__(self, **options: Any) -> None:
        super().__init__("vendor_arm", **options)
        settings = declare_all(self, VendorArmSettings)
        self._log = MotionWriter(settings.host)
        self._arm = SimulatedArm(UR_MODELS["ur5e"], Q_HOME)
        self._lock = threading.Lock()
        self._fault = "none"
        self._twists: Subscription | None = self._controller()
        self._late: deque[tuple[float, JointState]] = deque()
        self._joints = self.create_publisher(JointState, "joint_states", OFFERED)
        Gripper(self)
        self.create_service(Trigger, "~/home", self._on_home)
        self.create_timer(_JOINTS_S, self._tell)
        self._ended = threading.Event()
        self._moving = threading.Thread(target=self._move)
        self._moving.start()

    def destroy_node(self) -> None:
        """Stop moving, then end the node."""
        self._ended.set()
        self._moving.join()
        self._log.close()
        super().destroy_node()

    def _controller(self) -> Subscription:
        return self.create_subscription(TwistStamped, "twist_commands", self._on_twist, NEWEST)

    def _on_twist(self, message: TwistStamped) -> None:
        if self._fault != "stopped":
            with self._lock:
                self._arm.motion = SpeedL(twist_from_message(message), _ACCELERATION_M_S2)

    def _on_home(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        with self._lock:
            self._arm = SimulatedArm(UR_MODELS["ur5e"], Q_HOME)
        response.success, response.message = True, "at home"
        return response

    def _tell(self) -> None:
        """Publish the joints, and begin or end the fault that is wanted."""
        fault = self.get_parameter("fault").value
        if fault != self._fault:
            self._fault = fault
            self._change()
        message, now = self._state(), time.monotonic()
        if fault == "late":
            self._late.append((now, message))
            while self._late and self._late[0][0] <= now - DELAY_S:
                self._joints.publish(self._late.popleft()[1])
        elif fault != "silent":
            self._joints.publish(message)

    def _change(self) -> None:
        if self._fault in ("stopped", "deactivated"):
            with self._lock:
                self._arm.forced_stop()
        if self._fault == "deactivated" and self._twists is not None:
            self.destroy_subscription(self._twists)
            self._twists = None
        elif self._fault != "deactivated" and self._twists is None:
            self._twists = self._controller()

    def _state(self) -> JointState:
        with self._lock:
            q, qd = self._arm.q, self._arm.qd
        order = np.argsort(UR_JOINTS)
        return JointState(
            header=Header(stamp=self.get_clock().now().to_msg()),
            name=[UR_JOINTS[i] for i in order],
            position=_ordered(q, order),
            velocity=_ordered(qd, order),
        )

    def _move(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            with self._lock:
                self._arm.tick()
                self._log.append(due, self._arm.q, self._arm.qd, self._arm.tcp_velocity())
            due += TICK_S


def _ordered(values: NDArray[np.float64], order: NDArray[np.intp]) -> list[float]:
    return [float(value) for value in values[order]]


def main() -> int:
    """Entry point."""
    return run(VendorArmNode)


if __name__ == "__main__":
    raise SystemExit(main())
