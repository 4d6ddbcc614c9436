"""Faults on the way to the arm: it comes to rest in time, says why, and stays there."""

import json

import numpy as np
import pytest
from support_box import own_address
from support_faults import fault_matrix

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.bench import cli
from cns_core.bench.faults.arm_faults import ARM_FAULTS
from cns_core.bench.faults.arm_rig import FULL_MOTION, STANDING, ArmRig
from cns_core.bench.faults.trial import try_fault
from cns_core.twin.robot.control_box import Q_HOME

QUICK = {"protective stop", "twists end", "worker killed", "driver killed"}


@pytest.fixture(scope="module")
def rig():
    with ArmRig(own_address()) as rig:
        yield rig


@pytest.mark.parametrize(("fault", "phase"), fault_matrix(ARM_FAULTS, QUICK))
def test_the_arm_stops_in_time_says_why_and_stays(rig, fault, phase):
    row = try_fault(rig, fault, phase)
    assert row["passed"], row


@pytest.mark.slow
def test_the_command_writes_the_table(tmp_path, capsys):
    command = ["faults", "--only", "script killed", "--out", str(tmp_path)]
    assert cli.main([*command, "--host", own_address()]) == 0
    rows = json.loads((tmp_path / "faults.json").read_text())
    assert [row["phase"] for row in rows] == ["rest", "motion"]
    assert all(row["passed"] and row["stop_time_s"] <= row["bound_s"] for row in rows)
    assert rows[1]["stop_distance_mm"] > 0.1
    assert "2 of 2 passed" in capsys.readouterr().out


def test_a_name_that_no_fault_has_is_refused(capsys):
    assert cli.main(["faults", "--only", "no such fault", "--host", own_address()]) == 2
    assert "'no such fault'" in capsys.readouterr().err


def refusal(rig):
    """The reason of a refused arming with fresh twists on the way."""
    rig.driver.until_heard()
    rig.driver.until_state("disarmed", "faulted")
    rig.driver.send(STANDING)
    success, message = rig.request_arming()
    assert not success
    return message


def test_arming_is_refused_in_local_control(rig):
    rig.pendant.set_remote_control(False)
    try:
        assert refusal(rig) == "the robot is in local control: switch it to remote"
    finally:
        rig.pendant.set_remote_control(True)


def test_arming_is_refused_without_power(rig):
    rig.pendant.emergency_stop()
    try:
        assert refusal(rig) == "robot emergency stop: clear it on the pendant"
        rig.pendant.release_emergency_stop()
        assert "the robot is powered off: switch it on" in refusal(rig)
    finally:
        rig.pendant.switch_on()


def test_arming_is_refused_beyond_the_workspace(rig):
    rig.home([0.0, -0.05, 0.05, -1.57, -1.57, 0.0])
    try:
        assert refusal(rig) == "the arm is beyond the workspace box -z: jog it back"
    finally:
        rig.home(Q_HOME)


@pytest.mark.slow
def test_arming_is_refused_with_the_wrong_model():
    with ArmRig(own_address(), robot_model="ur3e") as rig:
        assert "check robot_model" in refusal(rig)
        assert not rig.pendant.status()["program_running"]


def test_a_wall_of_the_workspace_stops_the_arm():
    start = UR_MODELS["ur5e"].forward(Q_HOME)[:3, 3]
    box = {"box_min_m": tuple(start - 0.2), "box_max_m": tuple(start + 0.1)}
    with ArmRig(own_address(), **box) as rig:
        rig.arm(FULL_MOTION)
        rig.driver.until(lambda: rig.driver.report.slowed_by == "workspace box +z", "the wall")
        rig.until_rest()
        q = rig.box.state().q
    camera = UR_MODELS["ur5e"].forward(q) @ rig.config.hand_eye.T_flange_camera
    assert box["box_max_m"][2] - 0.005 < camera[2, 3] <= box["box_max_m"][2] + 0.001


def hostile_commands(rng, frame, count):
    """Commands (twist, frame, age in s); every element may be anything a float can be."""
    values = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1e30, -1e30, 0.0, 10.0])
    for _ in range(count):
        twist = rng.normal(scale=10.0 ** rng.uniform(-2, 2), size=6)
        if rng.random() < 0.2:
            twist[rng.integers(6)] = rng.choice(values)
        age_s = rng.choice([0.0, 0.0, 0.0, 0.01, 0.05, 0.5, 1e9, -0.01, -1.0, -1e9, np.nan])
        yield twist.tolist(), str(rng.choice([frame, frame, frame, "base", ""])), float(age_s)


@pytest.mark.slow  # as much without the arm: test_command_path.py
@pytest.mark.parametrize("bursts", [100, 2500])
def test_hostile_commands_never_exceed_the_limits_of_the_real_arm(rig, bursts):
    rng = np.random.default_rng(1)
    rig.home(Q_HOME)
    rig.arm(STANDING)
    rig.driver.send(None)
    limits, fastest = rig.config.limits, 0.0
    for _ in range(bursts):
        since = rig.box.state().time_s
        rig.driver.send_burst(list(hostile_commands(rng, rig.config.hand_eye.camera_frame, 50)))
        rig.driver.until_told()
        velocity = rig.box.motion_log(since).tcp_velocity
        ratio = max((limits.speed_ratio(v) for v in velocity), default=0.0)
        assert ratio <= 1.001
        fastest = max(fastest, ratio)
    assert fastest > 0.2
    assert rig.driver.report.refused > 10 * bursts
    # A busy test machine may be silent for too long; the robot must have had no reason to stop.
    assert rig.driver.report.state == "armed" or "command timeout" in rig.driver.report.last_stop
    assert rig.pendant.status()["stop_reason"] == ""
    rig.driver.request("disarm")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_malformed_bytes_from_the_controller_end_in_a_clean_new_connection(rig, seed):
    rig.pendant.inject("rtde_garbage", seed=seed)
    rig.pendant.inject("dashboard_garbage", seed=seed)
    rig.driver.until_state("disconnected")
    rig.driver.until(lambda: rig.driver.report.cause, "a cause")
    rig.pendant.clear("dashboard_garbage")
    rig.arm(FULL_MOTION)
    rig.driver.request("disarm")
    rig.home(Q_HOME)
