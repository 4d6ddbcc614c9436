"""What comes in as a command, and what goes out to the arm."""

import numpy as np
import pytest

from cns_core.arm.command_gate import CommandGate
from cns_core.arm.command_path import CommandPath
from cns_core.arm.hand_eye import HandEye
from cns_core.arm.limits import MotionLimits
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur_kinematics import UR_MODELS

PERIOD_S = 0.04
LIMITS = MotionLimits()
Q_HOME = np.array([0.0, -1.2, 1.8, -2.1, -1.57, 0.0])
HAND_EYE = HandEye((0.0, -0.04, 0.05), (0.0, 0.0, 0.0, 1.0))
FORWARD = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.1])


def free_path():
    return CommandPath(LIMITS, 0.12, PERIOD_S)


def guarded_path(**changes):
    config = UrConfig(robot_ip="127.0.0.1", hand_eye=HAND_EYE, **changes)
    guard = MotionGuard(
        UR_MODELS["ur5e"],
        HAND_EYE.T_flange_camera,
        config.box_min_m,
        config.box_max_m,
        LIMITS.stopping_time_s + 2 * PERIOD_S,
    )
    return CommandPath(LIMITS, 0.12, PERIOD_S, guard)


def follow(path, q, command_at, steps):
    """Let an ideal arm follow the path; yields joint angles and command after each tick."""
    model = UR_MODELS["ur5e"]
    for k in range(steps):
        now = k * PERIOD_S
        path.offer(command_at(k, q), now)
        command = path.step(now, q)
        J = model.jacobian(q, HAND_EYE.T_flange_camera)
        q = q + PERIOD_S * np.linalg.lstsq(J, command.twist, rcond=1e-6)[0]
        yield q, command


def test_a_command_is_held_for_the_timeout_and_then_braked_to_zero():
    path = free_path()
    for k in range(20):
        path.offer(FORWARD, k * PERIOD_S)
        path.step(k * PERIOD_S)
    last = 19 * PERIOD_S
    np.testing.assert_allclose(path.step(last + 0.119).twist, FORWARD, rtol=1e-3)
    speeds = [np.abs(path.step(last + 0.121 + k * PERIOD_S).twist).max() for k in range(20)]
    assert all(after <= before for before, after in zip(speeds, speeds[1:], strict=False))
    rest = next(k for k, speed in enumerate(speeds) if speed == 0.0)
    assert rest * PERIOD_S <= LIMITS.stopping_time_s
    assert path.at_rest


def test_nothing_moves_before_the_first_command():
    path = free_path()
    assert not path.fresh(0.0)
    assert not path.step(0.0).twist.any()


def test_the_newest_command_wins_whatever_the_order_of_arrival():
    path = free_path()
    path.offer(FORWARD, 1.0)
    path.offer(-FORWARD, 0.9)
    path.step(1.0)
    assert path.step(1.04).twist[0] > 0.0
    assert path.age(1.04) == pytest.approx(0.04)


def test_braking_ignores_fresh_commands():
    path = free_path()
    for k in range(20):
        path.offer(FORWARD, k * PERIOD_S)
        path.step(k * PERIOD_S)
    for k in range(20, 40):
        path.offer(FORWARD, k * PERIOD_S)
        path.step(k * PERIOD_S, braking=True)
    assert path.at_rest


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_camera_stops_at_the_workspace_box_and_the_cause_is_named(axis, sign):
    low, high = np.array([-0.7, -0.3, 0.0]), np.array([-0.4, 0.1, 0.4])
    path = guarded_path(box_min_m=tuple(low), box_max_m=tuple(high))
    outward = np.zeros(6)
    outward[axis] = 5.0 * sign

    def command(_, q):
        R = path.guard.camera_pose(q)[:3, :3]
        return np.concatenate([R.T @ outward[:3], np.zeros(3)])

    positions, causes = [], []
    for q, sent in follow(path, Q_HOME, command, 150):
        positions.append(path.guard.camera_pose(q)[:3, 3])
        causes.append(sent.slowed_by)
    face = (high if sign > 0 else low)[axis]
    overshoot = sign * (np.array(positions)[:, axis] - face)
    assert overshoot.max() < 1e-3
    assert overshoot[-1] > -2e-3
    assert causes[-1] == f"workspace box {'+' if sign > 0 else '-'}{'xyz'[axis]}"


def test_the_camera_may_leave_a_boundary_it_is_beyond():
    path = guarded_path(box_min_m=(0.0, -1.0, 0.0))
    assert path.guard.outside(Q_HOME) == "workspace box -x"
    R = path.guard.camera_pose(Q_HOME)[:3, :3]
    inward = np.concatenate([R.T @ [0.1, 0.0, 0.0], np.zeros(3)])
    twist, cause = path.guard.slow(inward, Q_HOME)
    np.testing.assert_allclose(twist[:3], [0.1, 0.0, 0.0], atol=1e-12)
    assert cause == ""
    twist, cause = path.guard.slow(-inward, Q_HOME)
    assert not twist.any()
    assert cause == "workspace box -x"


def test_a_joint_stops_before_its_range_ends():
    path = guarded_path()
    q_start = Q_HOME + [0.0, 0.0, 0.0, 0.0, 0.0, 5.5]
    turn = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 2.0])
    sequence = list(follow(path, q_start, lambda k, q: turn, 200))
    assert max(q[5] for q, _ in sequence) < 2 * np.pi - 0.09
    sent = sequence[-1][1]
    assert sent.slowed_by == "joint 6 upper limit"
    assert np.linalg.norm(sent.twist) < 1e-3


def test_the_arm_slows_down_before_it_is_singular_and_may_turn_back():
    path = guarded_path()
    q_start = np.array([0.0, -1.57, 1.57, -1.57, -0.5, 0.0])

    def into_singularity(_, q):
        J = path.guard.model.jacobian(q, HAND_EYE.T_flange_camera)
        base = J[:, 4]
        R = path.guard.camera_pose(q)[:3, :3]
        return np.concatenate([R.T @ base[:3], R.T @ base[3:]]) * 0.3

    sequence = list(follow(path, q_start, into_singularity, 150))
    condition = path.guard.model.condition_number
    assert max(condition(q, HAND_EYE.T_flange_camera) for q, _ in sequence) < 150.0
    q, sent = sequence[-1]
    assert sent.slowed_by == "singularity"
    back, cause = path.guard.slow(-into_singularity(0, q), q)
    assert cause == ""
    assert np.linalg.norm(back) > 0.2


def test_joint_speeds_stay_below_their_limits_near_a_singularity():
    path = guarded_path()
    q = np.array([0.0, -1.57, 1.57, -1.57, -0.06, 0.0])
    rng = np.random.default_rng(3)
    for _ in range(50):
        twist, _ = path.guard.slow(rng.normal(size=6), q)
        speeds = np.linalg.solve(path.guard.model.jacobian(q, HAND_EYE.T_flange_camera), twist)
        assert np.abs(speeds).max() < np.pi


def test_joints_never_exceed_their_limits_however_the_twists_change_near_singularities():
    rng = np.random.default_rng(3)
    path = guarded_path()
    wrist_stretched = np.array([0.0, -1.57, 1.57, -1.57, -0.3, 0.0])

    def wild(k, q):
        if k % 8 == 0:
            wild.twist = rng.normal(size=6) * [0.3, 0.3, 0.3, 1.0, 1.0, 1.0]
        return wild.twist

    q = wrist_stretched
    for q_next, _ in follow(path, wrist_stretched, wild, 3000):
        assert np.abs((q_next - q) / PERIOD_S).max() < 0.92 * np.pi
        q = q_next


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        ({"twist": [0, 0, float("nan"), 0, 0, 0]}, "not finite", "must be finite"),
        ({"twist": [0, 0, float("inf"), 0, 0, 0]}, "not finite", "must be finite"),
        ({"twist": [0, 0, 0]}, "not finite", r"shape \(6,\)"),
        ({"frame": "tool0"}, "wrong frame", "in frame 'camera', got 'tool0'"),
        ({"frame": ""}, "wrong frame", "in frame 'camera', got ''"),
        ({"stamp_s": 99.8}, "old stamp", "0.200 s old, allowed 0.120 s"),
        ({"stamp_s": 0.0}, "old stamp", r"100.000 s old.*carries no time stamp \(0\)"),
        ({"stamp_s": float("nan")}, "old stamp", "nan s old"),
        ({"stamp_s": 101.0}, "stamp in the future", "1.000 s in the future"),
        ({"stamp_s": 99.95}, "out of order", "0.040 s older than the one before"),
    ],
)
def test_the_gate_names_what_is_wrong(change, kind, complaint):
    gate = CommandGate("camera", 0.12)
    good = {"twist": np.zeros(6), "frame": "camera", "stamp_s": 99.99, "clock_s": 100.0}
    assert gate.admit(**good)[1] == pytest.approx(0.01)
    with pytest.raises(ValueError, match=complaint):
        gate.admit(**(good | change))
    assert dict(gate.refused) == {kind: 1}


def test_the_gate_starts_over_when_the_clock_is_set_back():
    gate = CommandGate("camera", 0.12)
    gate.admit(np.zeros(6), "camera", 100.0, 100.0)
    gate.admit(np.zeros(6), "camera", 5.0, 5.0)


def hostile_commands(rng, count):
    """Twists, frames and stamps as a broken, confused or malicious sender would make them."""
    values = np.array([0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 1e-310, 1e30])
    for k in range(count):
        twist = rng.normal(scale=10.0 ** rng.uniform(-3, 2), size=6)
        if rng.random() < 0.5:
            where = rng.integers(6, size=2)
            twist[where] = rng.choice(values, size=2)
        frame = rng.choice(["camera", "camera", "camera", "", "base", "camera\0"])
        stamp = k * PERIOD_S + rng.choice([0.0, 0.0, 0.0, -0.05, -10.0, 0.04, 3.0, 1e300, np.nan])
        yield twist, str(frame), stamp


@pytest.mark.parametrize("count", [3_000, pytest.param(120_000, marks=pytest.mark.slow)])
def test_hostile_commands_neither_crash_nor_exceed_the_limits(count):
    rng = np.random.default_rng(0)
    gate, path = CommandGate("camera", 0.12), guarded_path()
    q, admitted, restrained, last = Q_HOME, 0, 0, np.zeros(6)
    for k, (twist, frame, stamp) in enumerate(hostile_commands(rng, count)):
        now = k * PERIOD_S
        try:
            checked, age = gate.admit(twist, frame, stamp, now)
            path.offer(checked, now - age)
            admitted += 1
        except ValueError as refusal:
            assert str(refusal) == gate.refusal
        command = path.step(now, q)
        sent = command.twist
        assert np.isfinite(sent).all()
        assert LIMITS.speed_ratio(sent) <= 1.0 + 1e-9
        if LIMITS.acceleration_ratio((sent - last) / PERIOD_S) > 1.0 + 1e-6:
            # Near a singularity the last check before sending may brake harder, and only brake.
            assert command.slowed_by == "singularity"
            assert LIMITS.speed_ratio(sent) < LIMITS.speed_ratio(last)
            restrained += 1
        last = sent
        J = path.guard.model.jacobian(q, HAND_EYE.T_flange_camera)
        q = q + PERIOD_S * np.linalg.lstsq(J, sent, rcond=1e-6)[0]
    assert restrained < count / 1000
    assert admitted > count / 20
    assert admitted + gate.refused.total() == count
    assert len(gate.refused) == 5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"robot_ip": ""}, "robot_ip must be an address"),
        ({"robot_model": "ur7"}, r"robot_model must be one of \['ur10e'"),
        ({"rate_hz": 1000.0}, r"rate_hz must be in \[10.0, 500.0\] Hz, got 1000.0"),
        ({"rate_hz": float("nan")}, "rate_hz must be in"),
        ({"watchdog_hz": 20.0}, "at most half of rate_hz"),
        ({"box_min_m": (2.0, 0.0, 0.0)}, "box_min_m must be three numbers"),
        ({"box_max_m": (2.0, float("nan"), 0.0)}, "box_max_m must be in"),
    ],
)
def test_a_bad_setting_is_refused_with_the_reason(change, complaint):
    good = {"robot_ip": "127.0.0.1", "hand_eye": HAND_EYE}
    with pytest.raises(ValueError, match=complaint):
        UrConfig(**(good | change))


def test_the_settings_survive_the_way_to_another_process():
    config = UrConfig(
        robot_ip="127.0.0.1", hand_eye=HAND_EYE, limits=MotionLimits(linear_m_s=0.1), stop_zeros=7
    )
    assert UrConfig.from_dict(config.to_dict()) == config
