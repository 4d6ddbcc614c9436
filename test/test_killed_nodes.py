"""Each node of the whole graph is killed in full motion: the arm stops and does not start again."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from cns_core.arm.config import ArmConfig
from cns_core.arm.hand_eye import HandEye
from cns_core.bench.fault_cases import detection_s
from cns_core.twin.pendant import Pendant
from cns_core.twin.workcell import Workcell
from cns_ros.node_set import servo_environment, servo_nodes
from cns_ros.qos import LATCHED
from cns_ros.servo_options import ServoOptions
from cns_ros.share import share_directory

pytestmark = pytest.mark.slow

HAND_EYE = HandEye.load(share_directory() / "config" / "twin_hand_eye.yaml")


class Suite:
    """The real nodes as processes of their own, and a test node that looks after them."""

    def __init__(self, graph, host):
        options = ServoOptions(sim=True, robot_ip=host, controller="ibvs", episode=False)
        environment = {**os.environ, **servo_environment(options)}
        self.graph, self.host = graph, host
        self.statuses = graph.collect(DiagnosticStatus, "ur_driver/status", LATCHED)
        self.nodes = {
            # Without the words that tie a node to the life of the bring-up.
            spec.name: subprocess.Popen(
                spec.command()[spec.command().index("-m") - 1 :], env=environment
            )
            for spec in servo_nodes(options)
        }

    def insist(self, service):
        """Call a service until it succeeds; it refuses with a reason as long as nodes come up."""
        answers = []
        self.graph.until(
            lambda: answers and answers[-1].success, lambda: self._call(service, answers)
        )

    def _call(self, service, answers):
        answers.append(self.graph.call(service))

    def state(self):
        return self.statuses[-1].message if self.statuses else ""

    def explanation(self):
        values = {pair.key: pair.value for pair in self.statuses[-1].values}
        return values["last_stop"] or values["cause"]

    def end(self):
        for process in self.nodes.values():
            process.kill()
            process.wait()


@pytest.fixture
def suite(ros_graph, robot_address):
    suite = Suite(ros_graph, robot_address)
    yield suite
    suite.end()


def speed(pendant):
    log = pendant.motion_log(time.monotonic() - 0.1)
    return np.linalg.norm(log.tcp_velocity[-1, :3]) if len(log.time_s) else 0.0


def servo(suite):
    """Bring the arm into full motion; returns its pendant."""
    suite.insist("observer/set_desired")
    pendant = Pendant(suite.host)
    _, start = Workcell(0, HAND_EYE.T_flange_camera).episode()
    pendant.move_joints(start, speed_rad_s=1.0)
    suite.insist("controller/start")
    suite.insist("ur_driver/arm")
    suite.graph.until(lambda: speed(pendant) > 0.05)
    return pendant


@pytest.mark.parametrize(
    ("victim", "notice", "causes"),
    [
        ("observer", "silence", ("command timeout",)),
        ("controller", "silence", ("command timeout",)),
        ("ur_driver", "driver", ()),
    ],
)
def test_the_arm_stops_when_a_node_is_killed(suite, victim, notice, causes):
    pendant = servo(suite)
    config = ArmConfig(suite.host, HAND_EYE)
    bound_s = detection_s(config, notice) + config.limits.stopping_time_s
    killed_at = time.monotonic()
    suite.nodes[victim].send_signal(signal.SIGKILL)
    while time.monotonic() < killed_at + bound_s:
        suite.graph.executor.spin_once(timeout_sec=0.02)
    rested_at = time.monotonic()
    if causes:
        suite.graph.until(lambda: suite.state() == "disarmed")
        assert any(cause in suite.explanation() for cause in causes)
    while time.monotonic() < rested_at + 2.0:
        suite.graph.executor.spin_once(timeout_sec=0.02)
    log = pendant.motion_log(rested_at)
    assert not log.qd.any()
    assert not pendant.status()["program_running"]
    pendant.close()


def test_the_driver_says_so_when_robot_and_camera_are_killed(suite):
    servo(suite).close()
    suite.nodes["twin"].send_signal(signal.SIGKILL)
    suite.graph.until(lambda: suite.state() == "disconnected")
    assert "connection lost" in suite.explanation()
