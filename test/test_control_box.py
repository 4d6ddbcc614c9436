"""The unmodified ur-rtde client against the simulated control box."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support_box import own_address, quick_box, wait_for_standstill, wait_until

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.twin.robot.control_box import Q_HOME, ControlBox
from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.safety import BoxRefusal
from cns_core.twin.robot.stopping import measure_stop

rtde_control = pytest.importorskip("rtde_control")
rtde_receive = pytest.importorskip("rtde_receive")
dashboard_client = pytest.importorskip("dashboard_client")


@pytest.fixture(scope="module")
def box():
    with quick_box() as box:
        yield box


@pytest.fixture(scope="module")
def receive(box):
    receive = rtde_receive.RTDEReceiveInterface(box.host)
    yield receive
    receive.disconnect()


@pytest.fixture(scope="module")
def control_client(box):
    control = rtde_control.RTDEControlInterface(box.host)
    yield control
    control.disconnect()


@pytest.fixture
def pendant(box):
    with Pendant(box.host) as pendant:
        yield pendant


@pytest.fixture
def control(box, control_client, pendant):
    """The client with its program playing and the arm resting at home."""
    pendant.stop_program()
    # Takes the last command out of the registers, or the new program would carry it out.
    control_client.speedStop()
    wait_for_standstill(box)
    pendant.move_joints(Q_HOME, speed_rad_s=2.0, acceleration=8.0)
    assert control_client.reuploadScript()
    wait_until(control_client.isProgramRunning)
    assert control_client.setTcp([0.0] * 6)
    return control_client


def tcp_moves(box, velocity):
    """Whether the TCP moves at a velocity (6,) in base axes."""
    newest = box.motion_log(box.state().time_s - 0.01).tcp_velocity[-1]
    return np.allclose(newest, velocity, atol=1e-3)


def newest_package(receive):
    """Timestamp and TCP pose of one and the same data package."""
    while True:
        time_s, pose = receive.getTimestamp(), np.array(receive.getActualTCPPose())
        if receive.getTimestamp() == time_s:
            return time_s, pose


def matrix(pose):
    return Rotation.from_rotvec(pose[3:]).as_matrix()


def test_speedl_moves_the_tcp_along_base_axes(box, control, receive):
    control.setTcp([0.0, 0.0, 0.15, 0.0, 0.0, 0.0])
    twist = np.array([0.03, -0.02, 0.01, 0.0, 0.1, 0.05])
    assert control.speedL(twist.tolist(), 2.0, 0.0)
    wait_until(lambda: tcp_moves(box, twist))
    begin = newest_package(receive)
    wait_until(lambda: receive.getTimestamp() > begin[0] + 0.3)
    end = newest_package(receive)
    elapsed_s = end[0] - begin[0]
    np.testing.assert_allclose(end[1][:3] - begin[1][:3], twist[:3] * elapsed_s, atol=1e-4)
    turn = Rotation.from_matrix(matrix(end[1]) @ matrix(begin[1]).T).as_rotvec()
    np.testing.assert_allclose(turn, twist[3:] * elapsed_s, atol=1e-3)
    assert control.speedStop(10.0)
    assert not box.state().qd.any()


def test_set_tcp_moves_the_pose_reported(box, control, receive):
    assert control.setTcp([0.0, 0.0, 0.1, 0.0, 0.0, 0.0])
    ahead = (UR_MODELS["ur5e"].forward(box.state().q) @ [0.0, 0.0, 0.1, 1.0])[:3]
    wait_until(lambda: np.allclose(receive.getActualTCPPose()[:3], ahead, atol=1e-9))
    np.testing.assert_allclose(control.getTCPOffset(), [0, 0, 0.1, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("slider", "scaling"), [(0.5, 1.0), (1.0, 0.5), (0.5, 0.5)], ids=["slider", "scaling", "both"]
)
def test_speed_slider_and_scaling_slow_every_motion(
    box, control, receive, pendant, slider, scaling
):
    try:
        pendant.set_speed_slider(slider)
        pendant.inject("slowed_down", scaling=scaling)
        control.speedL([0.0, 0.0, 0.04, 0, 0, 0], 2.0, 0.0)
        wait_until(lambda: tcp_moves(box, [0.0, 0.0, 0.04 * slider * scaling, 0, 0, 0]))
        wait_until(lambda: receive.getTargetSpeedFraction() == slider)
        wait_until(lambda: receive.getSpeedScaling() == scaling)
        assert receive.getSpeedScalingCombined() == pytest.approx(slider * scaling)
        control.speedStop()
        before_s = box.state().time_s
        assert control.moveJ(Q_HOME, 2.0, 8.0)
        np.testing.assert_allclose(box.state().q, Q_HOME, atol=1e-9)
        fastest = np.abs(box.motion_log(before_s).qd).max()
        assert fastest <= 2.0 * slider * scaling + 1e-6
    finally:
        pendant.set_speed_slider(1.0)
        pendant.clear("slowed_down")


def test_a_slider_at_zero_is_refused(pendant):
    with pytest.raises(BoxRefusal, match="the speed slider must be 0.01 to 1, got 0.0"):
        pendant.set_speed_slider(0.0)


def test_a_tcp_left_on_the_pendant_stays_until_a_program_sets_its_own(control, receive, pendant):
    tool = [0.0, 0.01, 0.15, 0.0, 0.1, 0.0]
    with pytest.raises(BoxRefusal, match="a program plays"):
        pendant.set_tcp(tool)
    pendant.stop_program()
    pendant.set_tcp(tool)
    with pytest.raises(BoxRefusal, match="six finite numbers"):
        pendant.set_tcp([0.0] * 5)
    assert control.reuploadScript()
    wait_until(control.isProgramRunning)
    np.testing.assert_allclose(control.getTCPOffset(), tool, atol=1e-12)


def test_move_and_servo_arrive(box, control, receive):
    joints = (np.array(Q_HOME) + 0.05).tolist()
    assert control.moveJ(joints, 2.0, 8.0)
    np.testing.assert_allclose(box.state().q, joints, atol=1e-9)
    wait_until(lambda: np.allclose(receive.getActualQ(), joints, atol=1e-9))
    pose = receive.getActualTCPPose()
    pose[2] -= 0.03
    assert control.moveL(pose, 0.3, 2.0)
    wait_until(lambda: np.allclose(receive.getActualTCPPose(), pose, atol=1e-9))
    pose[0] += 0.01
    assert control.servoL(pose, 0.0, 0.0, 0.002, 0.05, 300)
    wait_until(lambda: np.allclose(receive.getActualTCPPose(), pose, atol=1e-5))
    assert control.servoStop()


def test_watchdog_stops_a_silent_client(box, control, pendant):
    control.setWatchdog(4.0)
    control.speedL([0.05, 0, 0, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: not control.isProgramRunning())
    wait_for_standstill(box)
    assert not control.speedL([0.05, 0, 0, 0, 0, 0], 2.0, 0.0)
    assert pendant.status()["safety_mode"] == "NORMAL"


def test_without_a_watchdog_speedl_goes_on(box, control):
    assert control.speedL([0.0, 0.0, 0.01, 0, 0, 0], 2.0, 0.0)
    begin_s = box.state().time_s
    wait_until(lambda: box.state().time_s > begin_s + 0.5)
    assert tcp_moves(box, [0.0, 0.0, 0.01, 0, 0, 0])
    control.speedStop()


def test_protective_stop_and_recovery(box, control, receive, pendant):
    assert control.speedL([0.1, 0, 0, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: tcp_moves(box, [0.1, 0, 0, 0, 0, 0]))
    stopped_s = pendant.protective_stop()
    wait_until(receive.isProtectiveStopped)
    wait_until(lambda: box.state().time_s > stopped_s + 0.3)
    stop = measure_stop(pendant.motion_log(stopped_s - 0.1), stopped_s)
    assert stop.time_s > 0.0 and 0.0 < stop.distance_mm < 20.0 and not stop.moved_again
    assert not control.speedL([0.1, 0, 0, 0, 0, 0], 2.0, 0.0)
    assert not control.speedStop()
    with pytest.raises(BoxRefusal, match="PROTECTIVE_STOP"):
        pendant.move_joints(Q_HOME)
    pendant.unlock()
    wait_until(lambda: not receive.isProtectiveStopped())
    assert control.reuploadScript()
    wait_until(control.isProgramRunning)
    assert control.speedL([0.02, 0, 0, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: tcp_moves(box, [0.02, 0, 0, 0, 0, 0]))
    control.speedStop()


def test_program_uploaded_again_resumes_the_last_speedl(box, control, pendant):
    """A trap of the client: input registers outlive the program that a stop has ended."""
    control.speedL([0.0, 0.0, 0.02, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: tcp_moves(box, [0.0, 0.0, 0.02, 0, 0, 0]))
    stopped_s = pendant.protective_stop()
    wait_until(lambda: not control.isProgramRunning())
    wait_until(lambda: box.state().time_s > stopped_s + 0.1)
    pendant.unlock()
    control.reuploadScript()
    wait_until(lambda: tcp_moves(box, [0.0, 0.0, 0.02, 0, 0, 0]))
    control.speedStop()


def test_emergency_stop_takes_the_power_until_switched_on(box, control, receive, pendant):
    control.speedL([0.05, 0, 0, 0, 0, 0], 2.0, 0.0)
    pendant.emergency_stop()
    wait_until(receive.isEmergencyStopped)
    wait_until(lambda: pendant.status()["robot_mode"] == "POWER_OFF")
    assert not box.state().qd.any()
    pendant.release_emergency_stop()
    with pytest.raises(BoxRefusal, match="POWER_OFF"):
        pendant.move_joints(Q_HOME)
    pendant.switch_on()
    wait_until(lambda: receive.getRobotMode() == 7 and receive.getSafetyMode() == 1)
    pendant.move_joints(Q_HOME, speed_rad_s=2.0, acceleration=8.0)


def test_over_speed_is_a_protective_stop(box, control, receive, pendant):
    control.speedL([3.0, 0, 0, 0, 0, 0], 50.0, 0.0)
    wait_until(receive.isProtectiveStopped)
    assert "joint speeds" in pendant.status()["stop_reason"]
    wait_for_standstill(box)
    pendant.unlock()


def test_nan_ends_the_program_and_moves_nothing(box, control):
    before = box.state().q
    control.speedL([float("nan"), 0, 0, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: not control.isProgramRunning())
    np.testing.assert_array_equal(box.state().q, before)


def test_second_control_client_is_refused_and_harmless(box, control):
    assert control.speedL([0.0, 0.0, 0.01, 0, 0, 0], 2.0, 0.0)
    with pytest.raises(RuntimeError, match="already in use"):
        rtde_control.RTDEControlInterface(box.host)
    assert control.isProgramRunning() and tcp_moves(box, [0.0, 0.0, 0.01, 0, 0, 0])
    control.speedStop()


def test_pendant_waits_for_the_program_to_end(control, pendant):
    with pytest.raises(BoxRefusal, match="program plays"):
        pendant.move_joints(Q_HOME)
    pendant.stop_program()
    pendant.move_joints(Q_HOME)


def test_local_control_ends_and_refuses_programs(control, pendant, box):
    pendant.set_remote_control(False)
    wait_until(lambda: not control.isProgramRunning())
    control.reuploadScript()
    dashboard = dashboard_client.DashboardClient(box.host)
    dashboard.connect()
    assert not dashboard.isInRemoteControl()
    assert not pendant.status()["program_running"]
    pendant.set_remote_control(True)
    assert dashboard.isInRemoteControl()
    dashboard.disconnect()


def test_late_feedback_shows_where_the_arm_was(box, control, receive, pendant):
    pendant.inject("late_feedback", delay_s=0.2)
    assert pendant.faults() == {"late_feedback": {"delay_s": 0.2}}
    control.speedL([0.0, 0.0, 0.02, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: receive.getActualTCPSpeed()[2] > 0.019)
    late = np.linalg.norm(box.state().q - receive.getActualQ())
    speed = np.linalg.norm(box.state().qd)
    pendant.clear("late_feedback")
    control.speedStop()
    assert pendant.faults() == {}
    assert late > 0.15 * speed


def test_the_clock_goes_on_where_the_robot_lost_time():
    log = SimpleNamespace(append=lambda *_: None)
    robot = RobotController(UR_MODELS["ur5e"], np.array(Q_HOME), log, unlock_delay_s=1.0)
    for monotonic_s in (7.0, 7.002, 7.5, 7.502):
        robot.tick(monotonic_s)
    assert robot.clock_s == pytest.approx(0.504)
    assert robot.time_s == pytest.approx(0.008)  # which silence is measured by


def test_frozen_rtde_stops_the_clock_of_its_clients(receive, pendant):
    frozen_s = pendant.inject("rtde_frozen")
    wait_until(lambda: pendant.state().time_s > frozen_s + 0.1)
    frozen = receive.getTimestamp()
    wait_until(lambda: pendant.state().time_s > frozen_s + 0.2)
    assert receive.getTimestamp() == frozen
    pendant.clear()
    wait_until(lambda: receive.getTimestamp() > frozen)


def test_killed_script_stops_the_arm(box, control, pendant):
    control.speedL([0.0, 0.0, 0.1, 0, 0, 0], 2.0, 0.0)
    wait_until(lambda: tcp_moves(box, [0.0, 0.0, 0.1, 0, 0, 0]))
    killed_s = pendant.inject("script_killed")
    wait_until(lambda: not control.isProgramRunning() and box.state().time_s > killed_s + 0.3)
    stop = measure_stop(pendant.motion_log(killed_s - 0.1), killed_s)
    assert stop.time_s > 0.0 and not stop.moved_again


def test_dashboard_answers(box):
    dashboard = dashboard_client.DashboardClient(box.host)
    dashboard.connect()
    assert dashboard.polyscopeVersion().startswith("5.")
    assert dashboard.getSerialNumber().isdigit()
    assert dashboard.getRobotModel() == "UR5"
    assert dashboard.robotmode() == "Robotmode: RUNNING"
    assert dashboard.safetystatus() == "Safetystatus: NORMAL"
    dashboard.stop()
    assert not dashboard.running()
    dashboard.disconnect()


def test_disconnected_client_reconnects(robot_address):
    with ControlBox(robot_address) as box:
        control = rtde_control.RTDEControlInterface(box.host)
        control.disconnect()
        assert control.reconnect()
        wait_until(control.isProgramRunning)
        assert control.speedL([0.0, 0.0, 0.02, 0, 0, 0], 2.0, 0.0)
        wait_until(lambda: tcp_moves(box, [0.0, 0.0, 0.02, 0, 0, 0]))
        control.speedStop()
        control.disconnect()


def test_address_already_taken(box):
    with pytest.raises(ConnectionError, match=f"cannot listen on {box.host}"), ControlBox(box.host):
        pass


@pytest.mark.parametrize(
    "bad", [{"model": "ur7"}, {"q_home": [0.0] * 5}, {"q_home": [float("nan")] * 6}]
)
def test_bad_arguments_are_refused(bad):
    with pytest.raises(ValueError):
        ControlBox(**bad)


def test_box_ends_with_its_parent():
    script = (
        "import time; from cns_core.twin.robot.control_box import ControlBox\n"
        f"with ControlBox({own_address()!r}) as box: print(box.process.pid, flush=True); "
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _runs(pid))


def _runs(pid):
    """Whether a process runs; one that only waits to be reaped by init does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_motion_log_ends_with_its_box():
    host = own_address()
    with quick_box(host):
        Pendant(host).close()
    with pytest.raises(ConnectionError, match="no simulated control box"):
        Pendant(host)
