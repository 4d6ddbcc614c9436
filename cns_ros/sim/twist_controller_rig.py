"""The driver node in front of a vendor's ROS 2 driver, for faults between the two."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import TwistStamped
from std_msgs.msg import Header

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.limits import MotionLimits
from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.arm_rig import FULL_MOTION, STANDING
from cns_core.bench.faults.rig import FULL_SPEED_M_S, GONE, PATIENCE_S
from cns_core.twin.robot.motion_log import Motion, MotionReader
from cns_ros.bringup.node_set import NodeSpec
from cns_ros.ros.client import GraphClient
from cns_ros.ros.poses_twists import twist_message
from cns_ros.ros.qos import OFFERED
from cns_ros.sim.driver_rig import ARMING_S, DriverRig

_PERIOD_S = 0.04
_TOLERANCE_M_S = 2e-3
_HAND_EYE = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))


class LoggedArm:
    """The motion of the vendor's arm."""

    def __init__(self, host: str) -> None:
        self._motion = MotionReader(host)

    def motion_log(self, since_s: float = 0.0) -> Motion:
        """The :class:`.Motion` after a time, the last minute at most."""
        return self._motion.since(since_s)


class TwistControllerRig(DriverRig):
    """Vendor's arm and driver node as processes, and the sender of twists: a ``FaultRig``.

    A context manager.

    Args:
        host: name of the motion's log, a loopback address.
        domain: ROS domain id.

    Attributes:
        twist: what is sent 25 times a second, None for silence.
    """

    explains_within_s = 1.0

    def __init__(self, host: str, domain: int) -> None:
        limits = MotionLimits(linear_m_s=FULL_SPEED_M_S)
        self.config = UrConfig(robot_ip=host, hand_eye=_HAND_EYE, limits=limits)
        super().__init__(_commands(host), domain)
        self.twist: Sequence[float] | None = None
        self._host, self._domain = host, domain

    def __enter__(self) -> TwistControllerRig:
        self.graph = GraphClient(self._domain, told_by=("ur_driver",))
        self._twists = self.graph.node.create_publisher(TwistStamped, "twist", OFFERED)
        self.graph.node.create_timer(_PERIOD_S, self._send)
        for name in ("vendor_arm", "ur_driver"):
            self.start(name)
        self.graph.insist("vendor_arm/home")
        self.box = LoggedArm(self._host)
        return self

    def __exit__(self, *_: object) -> None:
        self.nodes.end_all()
        self.graph.close()

    # What a trial asks for

    def begin(self, moving: bool) -> None:
        """Jog home and arm; returns at full speed, or armed and at rest."""
        self.graph.insist("vendor_arm/home")
        speed_m_s = FULL_SPEED_M_S if moving else 0.0

        def begins() -> bool:
            self.twist = STANDING
            armed = self.graph.call("ur_driver/arm", ARMING_S)
            self.twist = FULL_MOTION if moving else STANDING
            return armed and self._reaches(speed_m_s)

        self._insist(begins)

    def invite(self) -> None:
        """Let the driver, a new one if it is gone, hear twists of full speed."""
        self.start("ur_driver")
        self.twist = FULL_MOTION

    def silence(self) -> None:
        """Send no twists."""
        self.twist = None
        self.until_state("disarmed", "faulted", "disconnected")

    def explanation(self) -> str:
        """Why the arm stands, and what was wrong with the twists, as the status has it."""
        if not self.nodes.lives("ur_driver"):
            return GONE
        values = {pair.key: pair.value for pair in self.graph.statuses["ur_driver"].values}
        said = [values.get("last_stop") or values["cause"], values["refusal"]]
        return "; ".join([*filter(None, said), self.graph.problems.get("ur_driver", "")])

    def speed_m_s(self) -> float:
        """The camera's or, as long as it does not turn, the flange's present speed."""
        log = self.box.motion_log(time.monotonic() - 0.1)
        return float(np.linalg.norm(log.tcp_velocity[-1, :3])) if len(log.time_s) else np.inf

    def _reaches(self, speed_m_s: float) -> bool:
        end = time.monotonic() + PATIENCE_S
        while self.state in ("armed", "disarmed", "") and time.monotonic() < end:
            if self.state == "armed" and abs(self.speed_m_s() - speed_m_s) < _TOLERANCE_M_S:
                return True
            self.wait(0.02)
        return False

    def _send(self) -> None:
        if self.twist is not None:
            stamp = self.graph.node.get_clock().now().to_msg()
            header = Header(stamp=stamp, frame_id=_HAND_EYE.camera_frame)
            self._twists.publish(twist_message(np.array(self.twist), header))


def _commands(host: str) -> dict[str, list[str]]:
    driver = NodeSpec(
        *("ur_driver", "ur_driver"),
        parameters={
            "backend": "ros2_control",
            "max_linear": FULL_SPEED_M_S,
            "hand_eye_xyz": _HAND_EYE.xyz_m,
            "hand_eye_quaternion": _HAND_EYE.quaternion_xyzw,
        },
    )
    arm = [sys.executable, "-m", "cns_ros.sim.vendor_arm", "--ros-args", "-p", f"host:={host}"]
    return {"ur_driver": driver.command(), "vendor_arm": arm}
