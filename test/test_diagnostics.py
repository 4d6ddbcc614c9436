"""What /diagnostics tells: levels that do not flicker, the cause, and the hardware behind it."""

import socket

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray

from cns_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics
from cns_ros.ros.level_hold import RECOVERED_AFTER_S, WARN_AFTER_S, LevelHold
from cns_ros.ros.qos import OFFERED

LITTLE_S = 0.01


@pytest.fixture
def hold():
    hold = LevelHold()
    assert hold.take(OK, "fine", 100.0) == (OK, "fine")
    return hold


def test_the_first_diagnosis_is_told_as_it_is():
    assert LevelHold().take(WARN, "no camera", 0.0) == (WARN, "no camera")


def test_an_error_is_told_at_once(hold):
    assert hold.take(ERROR, "gone", 100.1) == (ERROR, "gone")


def test_a_warning_is_told_once_it_lasts(hold):
    assert hold.take(WARN, "late", 101.0) == (OK, "fine")
    assert hold.take(WARN, "late", 101.0 + WARN_AFTER_S - LITTLE_S) == (OK, "fine")
    assert hold.take(WARN, "later", 101.0 + WARN_AFTER_S) == (WARN, "later")


def test_a_warning_that_comes_and_goes_is_not_told(hold):
    for k in range(50):
        level, message = (WARN, "late") if k % 2 else (OK, "fine")
        assert hold.take(level, message, 101.0 + 0.9 * WARN_AFTER_S * k) == (OK, "fine")


def test_a_better_level_is_told_only_after_it_has_lasted(hold):
    hold.take(ERROR, "gone", 101.0)
    assert hold.take(OK, "fine", 102.0) == (ERROR, "gone")
    assert hold.take(OK, "fine", 102.0 + RECOVERED_AFTER_S - LITTLE_S) == (ERROR, "gone")
    assert hold.recovering_s == pytest.approx(RECOVERED_AFTER_S - LITTLE_S)
    assert hold.take(OK, "fine", 102.0 + RECOVERED_AFTER_S) == (OK, "fine")
    assert hold.recovering_s == 0.0


def test_a_relapse_begins_the_recovery_anew(hold):
    hold.take(ERROR, "gone", 101.0)
    hold.take(OK, "fine", 102.0)
    assert hold.take(ERROR, "gone again", 103.0) == (ERROR, "gone again")
    assert hold.take(OK, "fine", 104.0) == (ERROR, "gone again")
    assert hold.take(WARN, "late", 104.0 + RECOVERED_AFTER_S) == (WARN, "late")


def test_another_reason_of_the_same_level_is_told_at_once(hold):
    hold.take(ERROR, "gone", 101.0)
    assert hold.take(ERROR, "burnt", 101.1) == (ERROR, "burnt")


def test_the_message_names_the_cause_and_the_hardware(ros_graph):
    said = {"now": (ERROR, "faulted", {"cause": "no robot: switch it on", "rate_hz": 25.0})}
    node = ros_graph.add(rclpy.create_node("arm"))
    Diagnostics(node, lambda: said["now"], lambda: "ur5e at 127.0.0.1")
    heard = ros_graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    ros_graph.until(lambda: heard)
    status = heard[-1].status[0]
    assert (status.level, status.message) == (ERROR, "faulted: no robot: switch it on")
    assert (status.name, status.hardware_id) == ("/arm", "ur5e at 127.0.0.1")
    said["now"] = (OK, "armed", {"cause": ""})
    ros_graph.until(
        lambda: any(value.key == "recovering_s" for value in heard[-1].status[0].values)
    )
    assert heard[-1].status[0].level == ERROR
    ros_graph.until(lambda: heard[-1].status[0].message == "armed")


def test_without_hardware_of_its_own_a_node_depends_on_this_machine(ros_graph):
    Diagnostics(ros_graph.add(rclpy.create_node("thinker")), lambda: (OK, "idle", {}))
    heard = ros_graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    ros_graph.until(lambda: heard)
    assert heard[-1].status[0].hardware_id == socket.gethostname()
