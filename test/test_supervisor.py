"""The supervisor over real DDS: one action does it all, and the arm always ends stopped."""

import itertools
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.executors import MultiThreadedExecutor
from ros_graph import PATIENCE_S, with_parameters
from support_peers import CAMERA, POSE, FakeController, FakeDriver, FakeObserver

from cns_core.goals.store import GoalStore
from cns_interfaces.action import Servo, ServoSequence
from cns_interfaces.srv import DeleteGoal, ListGoals, LoadGoal, RenameGoal, SaveGoal
from cns_ros.nodes import servo_run
from cns_ros.nodes.supervisor import THREADS, SupervisorNode
from cns_ros.ros.participation import Participation

LEFT = {"remaining_mm": 5.0, "remaining_mm_bound": 0.5, "error": 0.1, "matched": 7}
NEAR = {"remaining_mm": 0.02, "remaining_mm_bound": 0.03, "error": 1e-5, "matched": 300}
ON_THE_WAY, HOME = ("servoing", LEFT), ("converged", NEAR)
SUCCEEDED, CANCELED, ABORTED = (
    GoalStatus.STATUS_SUCCEEDED,
    GoalStatus.STATUS_CANCELED,
    GoalStatus.STATUS_ABORTED,
)


class Suite(Participation):
    """The supervisor among stand-ins, spun by threads of their own."""

    def __init__(self, domain, folder, **parameters):
        threads = partial(MultiThreadedExecutor, THREADS + 4)
        super().__init__(make_executor=threads, domain_id=domain)
        self.calls = []
        self.observer = FakeObserver(self.calls)
        self.controller = FakeController(self.calls)
        self.driver = FakeDriver(self.calls)
        self.supervisor = with_parameters(
            SupervisorNode, goals_folder=str(folder), **{"silence": 3.0, **parameters}
        )
        self.node = rclpy.create_node("test")
        stand_ins = self.observer, self.controller, self.driver
        for node in (self.node, *stand_ins, self.supervisor):
            self.add(node)
        self.spin_beside()
        self._servo = ActionClient(self.node, Servo, "supervisor/servo")
        self._sequence = ActionClient(self.node, ServoSequence, "supervisor/servo_sequence")
        assert self._servo.wait_for_server(PATIENCE_S)
        assert self._sequence.wait_for_server(PATIENCE_S)

    def close(self):
        self.halt()
        self._servo.destroy()
        self._sequence.destroy()
        super().close()

    def wait(self, future):
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        assert done.wait(PATIENCE_S), "no answer"
        return future.result()

    def send(self, goal, feedback=None):
        """The handle of a goal that is under way."""
        client = self._servo if isinstance(goal, Servo.Goal) else self._sequence
        handle = self.wait(client.send_goal_async(goal, feedback_callback=feedback))
        assert handle.accepted
        return handle

    def result(self, handle):
        """Status and result of a goal."""
        answer = self.wait(handle.get_result_async())
        return answer.status, answer.result

    def servo(self, feedback=None, **goal):
        """Status and outcome of servoing to one goal."""
        status, result = self.result(self.send(Servo.Goal(**goal), feedback))
        return status, result.outcome

    def call(self, kind, service, **request):
        client = self.node.create_client(kind, f"supervisor/{service}")
        assert client.wait_for_service(PATIENCE_S)
        return self.wait(client.call_async(kind.Request(**request)))

    def saved_mask(self, folder):
        """What is left out of the present view when it is saved as a goal."""
        assert self.call(SaveGoal, "save_goal", name="a", replace=True).success
        return GoalStore(folder / "goals").load("a").mask

    def until(self, holds):
        """Try until a latched message that is under way has come."""
        end_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end_s

    def assert_stopped(self):
        assert self.driver.state == "disarmed"
        assert not self.controller.is_active


@pytest.fixture
def suite(ros_domain, tmp_path):
    made = Suite(ros_domain, tmp_path / "goals")
    yield made
    made.close()


def test_one_action_instead_of_three_services(suite):
    suite.controller.script = [*[ON_THE_WAY] * 20, HOME]
    heard = []
    status, outcome = suite.servo(heard.append, goal="now", arm=True)
    assert status == SUCCEEDED
    assert outcome.reached
    assert "converged: 0.020 mm remain" in outcome.verdict
    assert outcome.steps >= 20
    assert suite.calls[:3] == ["observer/set_desired", "controller/start", "ur_driver/arm"]
    assert suite.calls[3:] == ["ur_driver/disarm"]
    suite.assert_stopped()
    progress = heard[-1].feedback.progress
    assert (progress.goal, progress.matched, progress.driver) == ("now", 7, "armed")
    np.testing.assert_allclose(progress.remaining_translation, 5e-3)
    np.testing.assert_allclose(progress.remaining_translation_bound, 5e-4)


def test_without_arming_the_driver_is_left_alone(suite):
    suite.controller.script = [ON_THE_WAY, HOME]
    status, outcome = suite.servo()
    assert status == SUCCEEDED
    assert suite.calls == ["controller/start"]


def test_the_tolerance_ends_it_early_or_refuses_the_end(suite):
    status, outcome = suite.servo(tolerance=6e-3, arm=True)
    assert status == SUCCEEDED
    assert "within the tolerance" in outcome.verdict
    suite.assert_stopped()
    suite.controller.script = [("converged", LEFT)]
    status, outcome = suite.servo(tolerance=1e-4, arm=True)
    assert status == ABORTED
    assert "converged outside the tolerance of 0.1 mm: 5.000 mm remain" in outcome.verdict
    suite.assert_stopped()


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda s: setattr(s.controller, "script", [("diverged", LEFT)]), "controller is diverged"),
        (
            lambda s: setattr(s.controller, "script", [("idle", {"cause": "no matches for 1 s"})]),
            "controller is idle: no matches for 1 s",
        ),
        (lambda s: s.observer.refusals.update(set_desired="no image"), "refused: no image"),
    ],
)
def test_what_goes_wrong_is_named_and_the_arm_stopped(suite, prepare, reason, monkeypatch):
    monkeypatch.setattr(servo_run, "_PATIENCE_S", 0.5)
    prepare(suite)
    status, outcome = suite.servo(goal="now", arm=True)
    assert status == ABORTED
    assert not outcome.reached
    assert reason in outcome.verdict
    suite.assert_stopped()


def test_time_runs_out(suite):
    status, outcome = suite.servo(timeout=0.3, arm=True)
    assert status == ABORTED
    assert "not there after 0.3 s: 5.000 mm remain" in outcome.verdict
    suite.assert_stopped()


def test_a_first_frame_that_takes_too_long_is_started_again(suite):
    suite.controller.scripts = [[ON_THE_WAY, ("idle", {"cause": "no matches for 0.6 s"})]]
    suite.controller.script = [*[ON_THE_WAY] * 20, HOME]
    status, outcome = suite.servo(arm=True)
    assert status == SUCCEEDED, outcome.verdict
    assert suite.calls == ["controller/start"] * 2 + ["ur_driver/arm", "ur_driver/disarm"]


def test_who_is_there_already_is_not_armed(suite):
    suite.controller.script = [HOME]
    assert suite.servo(arm=True)[0] == SUCCEEDED
    assert "ur_driver/arm" not in suite.calls


@pytest.mark.parametrize("goal", [{"timeout": -1.0}, {"tolerance": -1e-3}, {"tolerance": np.nan}])
def test_numbers_that_are_none_are_refused(suite, goal):
    status, outcome = suite.servo(**goal)
    assert status == ABORTED
    assert f"{next(iter(goal))} must be" in outcome.verdict
    assert not suite.calls


def first_feedback(suite, goal):
    """The handle of a goal, once it tells of an armed arm."""
    moving = threading.Event()
    handle = suite.send(goal, lambda _: moving.set())
    assert moving.wait(PATIENCE_S)
    return handle


def test_cancelling_stops_and_disarms(suite):
    handle = first_feedback(suite, Servo.Goal(arm=True))
    assert suite.driver.state == "armed"
    suite.wait(handle.cancel_goal_async())
    status, result = suite.result(handle)
    assert status == CANCELED
    assert result.outcome.verdict == "cancelled"
    suite.assert_stopped()


def test_a_new_request_takes_the_place_of_the_one_under_way(suite):
    first = first_feedback(suite, Servo.Goal(arm=True))
    suite.controller.script = [*[ON_THE_WAY] * 20, HOME]
    second = suite.send(Servo.Goal(goal="now", arm=True))
    status, result = suite.result(first)
    assert status == ABORTED
    assert "another request has taken its place" in result.outcome.verdict
    assert suite.result(second)[0] == SUCCEEDED
    # The arm was stopped between the two.
    assert [call for call in suite.calls if "arm" in call] == [
        "ur_driver/arm",
        "ur_driver/disarm",
    ] * 2
    suite.assert_stopped()


def test_a_driver_that_stops_ends_it(suite):
    handle = first_feedback(suite, Servo.Goal(arm=True))
    suite.driver.become("faulted", "protective stop")
    status, result = suite.result(handle)
    assert status == ABORTED
    assert "ur_driver is faulted: protective stop" in result.outcome.verdict
    assert suite.calls[-2:] == ["ur_driver/disarm", "controller/stop"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["controller", "driver"])
def test_a_node_that_dies_ends_it_and_the_arm_is_stopped(suite, name, monkeypatch):
    monkeypatch.setattr(servo_run, "_STOP_S", 0.5)
    handle = first_feedback(suite, Servo.Goal(arm=True))
    node = getattr(suite, name)
    suite.executor.remove_node(node)  # it hears and says nothing more
    status, result = suite.result(handle)
    assert status == ABORTED
    assert f"{node.get_name()} has said nothing for" in result.outcome.verdict
    assert f"{node.get_name()}/" in result.outcome.verdict, "what did not obey is named"
    if name == "controller":
        assert suite.driver.state == "disarmed"
    else:
        assert not suite.controller.is_active


def test_goals_are_saved_listed_renamed_and_deleted(suite, tmp_path):
    saved = suite.call(SaveGoal, "save_goal", name="Tür 1")
    assert saved.success, saved.message
    assert "with the camera's pose" in saved.message
    goal = GoalStore(tmp_path / "goals").load("Tür 1", CAMERA)
    np.testing.assert_array_equal(goal.image, suite.observer.picture)
    np.testing.assert_allclose(goal.info.pose, POSE, atol=1e-9)
    assert goal.info.depth_prior_m == 0.5
    assert "already" in suite.call(SaveGoal, "save_goal", name="Tür 1").message
    assert suite.call(SaveGoal, "save_goal", name="Tür 1", replace=True).success
    assert not suite.call(SaveGoal, "save_goal", name="../x").success
    assert suite.call(RenameGoal, "rename_goal", name="Tür 1", to="b").success
    (tmp_path / "goals" / "foreign").write_text("")
    listed = {each.name: each for each in suite.call(ListGoals, "list_goals").goals}
    assert "no goal" in listed["foreign"].problem
    assert listed["b"].has_pose
    assert listed["b"].width == CAMERA.width
    np.testing.assert_allclose(listed["b"].camera_pose.pose.position.z, 0.5)
    assert suite.call(DeleteGoal, "delete_goal", name="b").success
    assert "no goal 'b'" in suite.call(LoadGoal, "load_goal", name="b").message


@pytest.mark.slow
def test_the_command_says_what_the_supervisor_answers(suite):
    def goals(*words):
        program = [sys.executable, "-m", "cns_ros.cli", "goals", *words]
        done = subprocess.run(program, capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    code, said = goals("save", "dock")
    assert code == 0 and "dock" in said, said
    code, said = goals("save", "dock")
    assert code == 1 and "already" in said
    assert goals("list") == (0, "dock\n")


def test_a_goal_that_is_loaded_is_the_desired_image_with_its_prior(suite):
    assert suite.call(SaveGoal, "save_goal", name="a").success
    suite.controller.set_parameters([rclpy.Parameter("depth_prior", value=0.7)])
    loaded = suite.call(LoadGoal, "load_goal", name="a")
    assert (loaded.success, loaded.message) == (True, "300 keypoints")
    assert suite.observer.desired == [suite.observer.picture.tobytes()]
    assert suite.controller.get_parameter("depth_prior").value == 0.5
    suite.observer.refusal = "desired image repeats itself"
    assert "repeats itself" in suite.call(LoadGoal, "load_goal", name="a").message


def test_what_the_observer_leaves_out_is_kept_with_the_goal(suite, tmp_path):
    mask = np.full((CAMERA.height, CAMERA.width), 255, np.uint8)
    mask[40:] = 0
    suite.observer.leave_out(mask)
    suite.until(lambda: suite.saved_mask(tmp_path) is not None)
    assert np.array_equal(suite.saved_mask(tmp_path), mask)
    assert suite.call(LoadGoal, "load_goal", name="a").success
    assert np.array_equal(suite.observer.hidden, mask)


@pytest.mark.slow
def test_a_sequence_goes_through_its_goals_and_stops_at_the_first_that_fails(suite):
    for name in "abc":
        suite.observer.picture = np.roll(suite.observer.picture, 1)
        assert suite.call(SaveGoal, "save_goal", name=name).success
    suite.controller.script = [*[ON_THE_WAY] * 12, HOME]
    heard = []
    goal = ServoSequence.Goal(goals=["a", "b", "a", "c"], arm=True)
    status, result = suite.result(suite.send(goal, heard.append))
    assert status == SUCCEEDED
    assert result.verdict == "all 4 goals reached"
    assert [each.goal for each in result.outcomes] == ["a", "b", "a", "c"]
    assert [k for k, _ in itertools.groupby(each.feedback.index for each in heard)] == [0, 1, 2, 3]
    status, result = suite.result(suite.send(ServoSequence.Goal(goals=["a", "nowhere", "b"])))
    assert status == ABORTED
    assert result.verdict.startswith("goal 2, 'nowhere': no goal 'nowhere'")
    assert [each.reached for each in result.outcomes] == [True, False]
    status, result = suite.result(suite.send(ServoSequence.Goal()))
    assert (status, result.reached) == (ABORTED, False)
    suite.assert_stopped()
