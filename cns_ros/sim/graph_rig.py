"""The suite's nodes as processes on a simulated arm, for faults of the camera and of the nodes."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from sensor_msgs.msg import Image

from cns_core.arm.ur.config import UrConfig
from cns_core.geometry import se3
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.stopping import linear_speed
from cns_core.twin.workcell import Workcell
from cns_ros.bringup.node_set import servo_environment, servo_nodes
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.ros.client import GraphClient
from cns_ros.ros.qos import LATCHED, NEWEST
from cns_ros.sim.twin import load_hand_eye

FULL_SPEED_M_S = 0.1

GONE = "gone"
"""What is said of a node whose process has ended."""

_PATIENCE_S = 60.0
_ARMING_S, _SPEED_UP_S = 15.0, 3.0
_BACK_M = 0.2
# Far above what servoing needs, so that the camera goes at full speed for most of the way.
_GAIN = 10.0
_SETTINGS = {
    # The arm outlives the camera here, so that its motion can be measured.
    "twin": {"robot": False},
    "controller": {"gain": _GAIN},
}


class GraphRig:
    """Brings the nodes up, moves the arm with them, and hears what they say; a context manager.

    Args:
        host: loopback address of the control box.
        domain: ROS domain id.
    """

    def __init__(self, host, domain):
        options = ServoOptions(sim=True, robot_ip=host, controller="ibvs", episode=False)
        self._environment = {
            **os.environ,
            **servo_environment(options),
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        self._commands = {
            spec.name: replace(
                spec, parameters=spec.parameters | _SETTINGS.get(spec.name, {})
            ).command()
            for spec in servo_nodes(options)
        }
        hand_eye = load_hand_eye("")
        self.config = UrConfig(robot_ip=host, hand_eye=hand_eye)
        workcell = Workcell(options.seed, hand_eye.T_flange_camera)
        self._q_goal, _ = workcell.episode()
        back = workcell.camera_pose(self._q_goal) @ se3.pose(translation=(0.0, 0.0, -_BACK_M))
        flange = back @ se3.inverse(hand_eye.T_flange_camera)
        self._q_start = workcell.model.inverse(flange, self._q_goal)
        self._box = ControlBox(host, q_home=self._q_goal)
        self._host, self._domain = host, domain
        self._nodes = {}

    def __enter__(self):
        self.box = self._box.__enter__()
        self.pendant = Pendant(self._host)
        self.graph = GraphClient(self._domain, told_by=("controller", "ur_driver"))
        for name in self._commands:
            self.start(name)
        self._set_desired()
        return self

    def __exit__(self, *_):
        for process in self._nodes.values():
            process.kill()
            process.wait()
        self.graph.close()
        self.pendant.close()
        self._box.__exit__()

    # Processes

    def start(self, name):
        """Start a node, if it does not live."""
        if name not in self._nodes or self._nodes[name].poll() is not None:
            self.graph.statuses.pop(name, None)
            self._nodes[name] = subprocess.Popen(
                self._commands[name],
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def kill(self, name):
        """SIGKILL a node, or with "worker" the driver's process that talks to the arm."""
        if name == "worker":
            driver = self._nodes["ur_driver"].pid
            children = Path(f"/proc/{driver}/task/{driver}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)
        else:
            self._nodes[name].kill()
            self._nodes[name].wait()

    # What the nodes say

    def state(self, name):
        """The state a node has last told, GONE if its process has ended, "" if it is new."""
        if self._nodes[name].poll() is not None:
            return GONE
        return self.graph.statuses[name].message if name in self.graph.statuses else ""

    def explanation(self):
        """Why the arm stands, in the words of driver, controller and observer."""
        said = []
        for name in ("ur_driver", "controller"):
            values = {pair.key: pair.value for pair in self.graph.statuses[name].values}
            cause = values.get("last_stop") or values["cause"]
            said.append(f"{name} {GONE}" if self.state(name) == GONE else cause)
        if self._nodes["observer"].poll() is not None:
            said.append(f"observer {GONE}")
        else:
            said.append(self.graph.problems.get("observer", ""))
        return "; ".join(filter(None, said))

    # What a user does

    def servo(self, moving):
        """Start 0.2 m behind the goal and arm; returns at full speed, or armed and at rest."""
        speed_m_s = FULL_SPEED_M_S if moving else 0.0
        self._limit(speed_m_s)
        # A busy machine may stall the nodes for so long that the arm is disarmed again.
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            self.pendant.move_joints(self._q_start, speed_rad_s=1.0)
            armed = self.graph.call("controller/start") and self.graph.call(
                "ur_driver/arm", _ARMING_S
            )
            if armed and self._reaches(speed_m_s):
                return
            self.graph.spin(0.1)
        raise TimeoutError(f"full speed has not come: {self.graph.refusal}; {self.explanation()}")

    def invite(self):
        """Let twists of full speed flow, so that only the driver keeps the arm from moving."""
        self._limit(FULL_SPEED_M_S)
        self.graph.insist("controller/start")

    def _limit(self, speed_m_s):
        self.graph.set_parameters("controller", max_linear=speed_m_s, max_angular=5.0 * speed_m_s)

    def _reaches(self, speed_m_s):
        """Whether the arm is armed and comes to a speed; if not, it is disarmed again."""
        end = time.monotonic() + _SPEED_UP_S
        while time.monotonic() < end:
            armed = self.state("ur_driver") == "armed"
            if armed and linear_speed(self.box) > 0.98 * speed_m_s - 1e-6:
                return True
            self.graph.spin(0.02)
        self.graph.insist("ur_driver/disarm")
        self.graph.until(lambda: self.state("ur_driver") == "disarmed", "a disarmed driver")
        return False

    def _set_desired(self):
        """Give the image at the goal to every observer, also to one that is started later."""
        images = []
        subscription = self.graph.node.create_subscription(Image, "image", images.append, NEWEST)
        self.graph.until(lambda: images, "an image")
        self.graph.node.destroy_subscription(subscription)
        self._desired = self.graph.node.create_publisher(Image, "desired_image", LATCHED)
        self._desired.publish(images[-1])
