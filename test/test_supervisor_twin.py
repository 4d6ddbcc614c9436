"""The supervisor in the whole graph: goals saved and servoed to, a sequence, a cancelled servo."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import MultiThreadedExecutor
from ros_graph import PATIENCE_S
from support_episode import PATIENT

from cns_core.geometry import se3
from cns_core.twin.robot.motion_log import MotionReader
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.workcell import Workcell
from cns_interfaces.action import Servo, ServoSequence
from cns_interfaces.srv import SaveGoal
from cns_ros.ros.participation import Participation
from cns_ros.sim.twin import load_hand_eye

SEED = 3


class User(Participation):
    """Whoever uses a suite that runs in processes of its own."""

    def __init__(self, host):
        super().__init__(make_executor=partial(MultiThreadedExecutor, 2))
        self.node = self.add(rclpy.create_node("user"))
        self._servo = ActionClient(self.node, Servo, "supervisor/servo")
        self._sequence = ActionClient(self.node, ServoSequence, "supervisor/servo_sequence")
        self._save = self.node.create_client(SaveGoal, "supervisor/save_goal")
        self.spin_beside()
        assert self._servo.wait_for_server(PATIENCE_S)
        self._host = host

    def save(self, name):
        """Save the present view; until the twin is up there is none."""
        assert self._save.wait_for_service(PATIENCE_S)
        for _ in range(20):
            answer = self.wait(self._save.call_async(SaveGoal.Request(name=name)))
            if answer.success:
                return
        raise AssertionError(answer.message)

    def wait(self, future):
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(2 * PATIENCE_S), "no answer"
        return future.result()

    def send(self, goal, feedback=None):
        client = self._servo if isinstance(goal, Servo.Goal) else self._sequence
        return self.wait(client.send_goal_async(goal, feedback_callback=feedback))

    def result(self, handle):
        return self.wait(handle.get_result_async()).result

    def close(self):
        self.halt()
        self._servo.destroy()
        self._sequence.destroy()
        super().close()


@pytest.fixture
def suite(ros_domain, robot_address, tmp_path):
    command = [sys.executable, "-m", "cns_ros.bringup", "--sim", "--no-episode"]
    command += ["--seed", str(SEED), "--controller", "ibvs", "--robot-ip", robot_address]
    process = subprocess.Popen(
        [*command, "--params-file", str(PATIENT)],
        env={**os.environ, "HOME": str(tmp_path)},
        start_new_session=True,
    )
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 128 + signal.SIGINT


@pytest.mark.slow
def test_goals_on_the_twin(suite, robot_address):
    workcell = Workcell(SEED, load_hand_eye("").T_flange_camera)
    q_goal, q_start = workcell.episode()
    q_between = q_goal + 0.3 * (q_start - q_goal)
    user = User(robot_address)
    user.save("goal")  # where the twin begins
    arm = MotionReader(robot_address)
    with Pendant(robot_address) as pendant:
        pendant.move_joints(q_between, speed_rad_s=0.8)
        user.save("between")
        pendant.move_joints(q_start, speed_rad_s=0.8)

        sequence = ServoSequence.Goal(goals=["between", "goal"], arm=True)
        result = user.result(user.send(sequence))
        assert result.reached, result.verdict
        goal, there = workcell.camera_pose(q_goal), workcell.camera_pose(arm.state().q)
        assert 1e3 * se3.translation_error_m(goal, there) < 1.0

        pendant.move_joints(q_start, speed_rad_s=0.8)
        moving = threading.Event()
        handle = user.send(Servo.Goal(goal="goal", arm=True), lambda _: moving.set())
        assert moving.wait(PATIENCE_S)
        user.wait(handle.cancel_goal_async())
        outcome = user.result(handle).outcome
        assert (outcome.reached, outcome.verdict) == (False, "cancelled")
        np.testing.assert_allclose(arm.state().qd, 0.0, atol=1e-3)
        before = arm.state().q
        assert user.result(user.send(Servo.Goal(timeout=1.0))).outcome.reached is False
        np.testing.assert_allclose(arm.state().q, before, atol=1e-6)

        # The whole suite is stopped in the middle of a servo: the arm stands.
        moving.clear()
        user.send(Servo.Goal(goal="goal", arm=True), lambda _: moving.set())
        assert moving.wait(PATIENCE_S)
    user.close()
