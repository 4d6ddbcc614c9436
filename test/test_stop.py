"""Stop rules on synthetic episodes."""

import numpy as np
import pytest

from cns_core.control.factory import make_stop_rule
from cns_core.control.motion_stop import MotionStop
from cns_core.control.pixel_error_stop import PixelErrorStop
from cns_core.control.remaining_motion import estimate
from cns_core.control.status import Status
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence

DESIRED = np.random.default_rng(0).uniform(-0.4, 0.4, (100, 2))


def shifted(distance, matched=True):
    """All keypoints off by ``distance``, matched where ``matched``."""
    return Correspondence(DESIRED, DESIRED + [distance, 0.0], np.broadcast_to(matched, 100))


def run(rule, distances, dt_s=0.04):
    """Status after each distance."""
    rule.start(DESIRED)
    return [rule.update(shifted(d), k * dt_s) for k, d in enumerate(distances)]


def test_stops_once_a_small_error_no_longer_changes():
    time_s = np.arange(0, 12, 0.04)
    states = run(PixelErrorStop(), 0.3 * np.exp(-time_s) + 0.001)
    stopped = states.index(Status.CONVERGED)
    assert 4.5 < time_s[stopped] < 7.0
    assert set(states[:stopped]) == {Status.SERVOING}
    assert set(states[stopped:]) == {Status.CONVERGED}


def test_does_not_stop_at_a_large_or_falling_error():
    assert set(run(PixelErrorStop(), np.full(200, 0.02))) == {Status.SERVOING}
    assert set(run(PixelErrorStop(), 0.009 * np.exp(-0.08 * np.arange(20)))) == {Status.SERVOING}


def test_error_leaves_out_the_worst_tenth_and_trusts_the_often_seen():
    rule = PixelErrorStop()
    rule.start(DESIRED)
    current = DESIRED + [0.001, 0.0]
    current[:10] += 0.3
    rule.update(Correspondence(DESIRED, current, np.ones(100, bool)), 0.0)
    assert rule.error == pytest.approx(0.001)

    rule.start(DESIRED)
    half = np.arange(100) < 50
    current = DESIRED + np.where(half, 0.001, 0.003)[:, None] * [1, 0]
    rule.update(Correspondence(DESIRED, current, np.ones(100, bool)), 0.0)
    balanced = rule.error
    for k in range(40):
        rule.update(shifted(0.001, half), 0.04 * (k + 1))
    rule.update(Correspondence(DESIRED, current, np.ones(100, bool)), 2.0)
    assert rule.error < 0.8 * balanced


def test_lost_after_a_while_without_matches_and_found_again():
    rule = PixelErrorStop(lost_after_s=1.0)
    rule.start(DESIRED)
    assert rule.update(shifted(0.1), 0.0) is Status.SERVOING
    assert rule.update(shifted(0.1, False), 0.9) is Status.SERVOING
    assert rule.update(shifted(0.1, False), 1.1) is Status.LOST
    assert rule.update(shifted(0.1), 1.2) is Status.SERVOING


def test_never_seen_is_lost_too():
    rule = PixelErrorStop(lost_after_s=1.0)
    rule.start(DESIRED)
    states = [rule.update(shifted(0.0, False), t) for t in (10.0, 10.5, 11.0)]
    assert states == [Status.SERVOING] * 2 + [Status.LOST]


def test_growing_error_diverges_and_a_short_excursion_does_not():
    time_s = np.arange(0, 10, 0.04)
    assert run(PixelErrorStop(), 0.1 * np.exp(0.5 * time_s))[-1] is Status.DIVERGED
    excursion = np.where((time_s > 2) & (time_s < 3), 0.5, 0.1)
    assert set(run(PixelErrorStop(), excursion)) == {Status.SERVOING}


def test_a_large_error_diverges_unless_it_falls():
    """A detour longer than the patience, as with a quarter of the depth prior."""
    time_s = np.arange(0, 10, 0.04)
    detour = np.interp(time_s, [0, 1, 4, 10], [0.13, 0.11, 0.34, 0.22])
    assert (detour > 1.5 * 0.13 + 0.1).sum() * 0.04 > 2.5
    assert set(run(PixelErrorStop(), detour)) == {Status.SERVOING}
    stays = np.where(time_s > 2, 0.4, 0.13)
    assert run(PixelErrorStop(), stays)[-1] is Status.DIVERGED


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_clock_that_is_not_one_is_refused(bad):
    rule = PixelErrorStop()
    with pytest.raises(RuntimeError, match="start first"):
        rule.update(shifted(0.1), 0.0)
    rule.start(DESIRED)
    rule.update(shifted(0.1), 0.0)
    with pytest.raises(ValueError, match="time_s"):
        rule.update(shifted(0.1), bad)


def test_status_reads_as_its_name():
    assert f"{Status.CONVERGED}" == "converged" and Status("lost") is Status.LOST


def test_rules_are_made_by_name():
    rule = PixelErrorStop()
    assert make_stop_rule(rule) is rule
    assert isinstance(make_stop_rule("pixel_error"), PixelErrorStop)
    with pytest.raises(ValueError, match="pixel_error.*'never'"):
        make_stop_rule("never")


def seen_after(motion, depth=1.0, noise=0.0, rng=None):
    """Correspondence when a camera still has to make the (6,) ``motion``."""
    points = np.column_stack([DESIRED, np.ones(100)]) * np.broadcast_to(depth, 100)[:, None]
    T = se3.exp(np.asarray(motion, float))
    moved = points @ T[:3, :3].T + T[:3, 3]
    current = moved[:, :2] / moved[:, 2:]
    if noise:
        current += rng.normal(0, noise, current.shape)
    return Correspondence(DESIRED, current, np.ones(100, bool))


def test_remaining_motion_is_recovered_with_its_noise():
    rng = np.random.default_rng(3)
    motion = np.array([0.002, -0.001, 0.003, 0.001, 0.002, -0.004])
    exact = estimate(DESIRED, seen_after(-motion).current)
    np.testing.assert_allclose(exact.twist, motion, atol=3e-5)
    sizes = []
    for _ in range(200):
        found = estimate(DESIRED, seen_after(np.zeros(6), noise=1e-4, rng=rng).current)
        sizes.append(found.size)
    assert np.sqrt(np.mean(np.square(sizes))) == pytest.approx(found.deviation, rel=0.3)


def test_remaining_motion_discounts_outliers():
    rng = np.random.default_rng(4)
    current = seen_after(np.zeros(6), noise=1e-4, rng=rng).current
    current[:15] += [0.005, 0.002]
    assert estimate(DESIRED, current).size < 5e-4


def converge(rule, motion_of, duration_s=15.0, noise=5e-5, dt_s=0.04, depth=1.0):
    """Run a synthetic episode; the time at which the rule stopped, or None."""
    rng = np.random.default_rng(5)
    rule.start(DESIRED)
    for time_s in np.arange(0, duration_s, dt_s):
        state = rule.update(seen_after(motion_of(time_s), depth, noise, rng), time_s)
        if state is Status.CONVERGED:
            return time_s
    return None


def test_motion_rule_waits_while_an_unseen_direction_still_improves():
    """Sideways motion and tilt nearly cancel in the image: the pixel error is flat early."""

    def motion(time_s):
        slow, fast = 0.02 * np.exp(-0.4 * time_s), 0.2 * np.exp(-1.5 * time_s)
        return np.array([slow, 0, 0, 0, -slow, fast])

    early = converge(PixelErrorStop(), motion)
    late = converge(MotionStop(), motion)
    assert early is not None and late is not None
    assert np.linalg.norm(motion(late)) < 0.2 * np.linalg.norm(motion(early))


def test_motion_rule_stops_where_a_controller_settles_or_noise_rules():
    settled = np.array([0.001, 0, 0.001, 0, 0.001, 0])
    stopped = converge(MotionStop(), lambda t: settled + 0.1 * np.exp(-1.0 * t))
    assert 4.0 < stopped < 10.0
    stopped = converge(MotionStop(), lambda t: 0.1 * np.exp(-1.0 * t) * np.ones(6))
    assert np.exp(-stopped) * 0.1 < 5e-4
    assert converge(MotionStop(), lambda t: np.zeros(6)) == pytest.approx(0.6, abs=0.1)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_motion_rule_stops_though_a_quarter_of_the_matches_is_wrong(rate):
    rng = np.random.default_rng(6)
    rule = MotionStop()
    rule.start(DESIRED)
    states = []
    for time_s in np.arange(0, 20, 0.04):
        seen = seen_after(0.1 * np.exp(-rate * time_s) * np.ones(6), noise=1e-4, rng=rng)
        seen.current[rng.choice(100, 25, replace=False)] = rng.uniform(-0.5, 0.5, (25, 2))
        states.append(rule.update(seen, time_s))
    assert (Status.CONVERGED in states) == (rate > 0)


def test_motion_rule_stops_where_the_motion_wanders():
    """A learned policy follows the noise; what wanders about one size no longer falls."""
    rng = np.random.default_rng(7)
    wander = np.convolve(rng.normal(0, 1, 700), np.ones(25) / 5, "valid")

    def motion(time_s):
        size = 0.002 * (1.0 + 0.3 * wander[int(time_s / 0.04)])
        return np.array([size, 0, 0, 0, 0, 0]) + 0.1 * np.exp(-time_s)

    assert 5.0 < converge(MotionStop(), motion, duration_s=24.0) < 20.0


def test_motion_rule_does_not_stop_far_from_the_goal():
    assert converge(MotionStop(), lambda t: np.array([0.03, 0, 0, 0, 0, 0.03])) is None


def test_motion_rule_does_not_take_a_stall_for_the_goal():
    """Translation hidden by rotation: hardly any pixel error, but centimetres from the goal."""
    stalled = np.array([0.03, 0, 0, 0, -0.03, 0])
    assert seen_after(stalled).error < 0.01
    assert converge(PixelErrorStop(), lambda t: stalled) is not None
    assert converge(MotionStop(), lambda t: stalled) is None


def test_motion_rule_does_not_wait_for_what_no_one_needs():
    motion = np.array([0.1, 0, 0, 0, 0, 0.1])
    stopped = converge(MotionStop(tolerance=1e-3), lambda t: motion * np.exp(-t), noise=1e-6)
    assert 1e-3 * np.exp(-1.2) < 0.14 * np.exp(-stopped) < 1e-3


def test_motion_rule_does_not_stop_while_the_motion_grows():
    """A learned policy may pass near the goal and swing out again before it settles."""
    growing = converge(MotionStop(), lambda t: (0.002 + 0.002 * min(t, 5.0)) * np.ones(6))
    assert growing is None or growing > 6.0
