"""The suite's nodes as processes on a simulated arm, for faults of the camera and of the nodes."""

from __future__ import annotations

import time
from dataclasses import replace

from sensor_msgs.msg import Image

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.rig import FULL_SPEED_M_S, GONE
from cns_core.geometry import se3
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.stopping import linear_speed
from cns_core.twin.workcell import Workcell
from cns_ros.bringup.node_set import servo_environment, servo_nodes
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.ros.client import GraphClient
from cns_ros.ros.qos import LATCHED, NEWEST
from cns_ros.sim.driver_rig import ARMING_S, DriverRig
from cns_ros.sim.twin import load_hand_eye

_SPEED_UP_S = 3.0
_BACK_M = 0.2
# Far above what servoing needs, so that the camera goes at full speed for most of the way.
_GAIN = 10.0
_SETTINGS: dict[str, dict[str, object]] = {
    # The arm outlives the camera here, so that its motion can be measured.
    "twin": {"robot": False},
    "controller": {"gain": _GAIN},
}


class GraphRig(DriverRig):
    """Brings the nodes up, moves the arm with them and hears what they say: a ``FaultRig``.

    A context manager.

    Args:
        host: loopback address of the control box.
        domain: ROS domain id.
    """

    explains_within_s = 3.0  # diagnostics come every second

    def __init__(self, host: str, domain: int) -> None:
        options = ServoOptions(sim=True, robot_ip=host, controller="ibvs", episode=False)
        super().__init__(_commands(options), domain, servo_environment(options))
        # The rig does itself what the supervisor would do.
        names = [spec.name for spec in servo_nodes(options)]
        self._names = [name for name in names if name != "supervisor"]
        hand_eye = load_hand_eye("")
        self.config = UrConfig(robot_ip=host, hand_eye=hand_eye)
        workcell = Workcell(options.seed, hand_eye.T_flange_camera)
        q_goal, _ = workcell.episode()
        back = workcell.camera_pose(q_goal) @ se3.pose(translation=(0.0, 0.0, -_BACK_M))
        flange = back @ se3.inverse(hand_eye.T_flange_camera)
        self._q_start = workcell.model.inverse(flange, q_goal)
        self.box = ControlBox(host, q_home=q_goal)
        self._domain = domain

    def __enter__(self) -> GraphRig:
        self.box.start()
        self.pendant = Pendant(self.box.host)
        self.graph = GraphClient(self._domain, told_by=("controller", "ur_driver"))
        for name in self._names:
            self.start(name)
        self._set_desired()
        return self

    def __exit__(self, *_: object) -> None:
        self.nodes.end_all()
        self.graph.close()
        self.pendant.close()
        self.box.stop()

    # What a trial asks for

    def begin(self, moving: bool) -> None:
        """Start 0.2 m behind the goal and arm; returns at full speed, or armed and at rest."""
        speed_m_s = FULL_SPEED_M_S if moving else 0.0
        self._limit(speed_m_s)

        def begins() -> bool:
            self.pendant.move_joints(self._q_start, speed_rad_s=1.0)
            armed = self.graph.call("controller/start") and self.graph.call(
                "ur_driver/arm", ARMING_S
            )
            return armed and self._reaches(speed_m_s)

        self._insist(begins)

    def invite(self) -> None:
        """Let twists of full speed flow to a driver that is armed or could be."""
        self.until_state("disarmed", "armed")
        self._limit(FULL_SPEED_M_S)
        self.graph.insist("controller/start")

    def silence(self) -> None:
        """Stop the controller."""
        self.graph.insist("controller/stop")

    def explanation(self) -> str:
        """Why the arm stands, in the words of driver, controller and observer."""
        said = []
        for name in ("ur_driver", "controller"):
            if self.nodes.lives(name):
                values = {pair.key: pair.value for pair in self.graph.statuses[name].values}
                said.append(values.get("last_stop") or values["cause"])
            else:
                said.append(f"{name} {GONE}")
        if self.nodes.lives("observer"):
            said.append(self.graph.problems.get("observer", ""))
        else:
            said.append(f"observer {GONE}")
        return "; ".join(filter(None, said))

    def _limit(self, speed_m_s: float) -> None:
        self.graph.set_parameters("controller", max_linear=speed_m_s, max_angular=5.0 * speed_m_s)

    def _reaches(self, speed_m_s: float) -> bool:
        """Whether the arm is armed and comes to a speed; if not, it is disarmed again."""
        end = time.monotonic() + _SPEED_UP_S
        while time.monotonic() < end:
            if self.state == "armed" and linear_speed(self.box) > 0.98 * speed_m_s - 1e-6:
                return True
            self.wait(0.02)
        self.disarm()
        self.until_state("disarmed")
        return False

    def _set_desired(self) -> None:
        """Give the image at the goal to every observer, also to one that is started later."""
        images: list[Image] = []
        subscription = self.graph.node.create_subscription(Image, "image", images.append, NEWEST)
        self.graph.until(lambda: images, "an image")
        self.graph.node.destroy_subscription(subscription)
        self._desired = self.graph.node.create_publisher(Image, "desired_image", LATCHED)
        self._desired.publish(images[-1])


def _commands(options: ServoOptions) -> dict[str, list[str]]:
    """Command line of every node of a bring-up, with the settings of this rig, by its name."""
    specs = servo_nodes(options)
    return {
        spec.name: replace(
            spec, parameters=spec.parameters | _SETTINGS.get(spec.name, {})
        ).command()
        for spec in specs
    }
