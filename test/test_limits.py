"""Speed, acceleration and jerk limits hold for any sequence of twists."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cns_core.arm.limits import MotionLimits, TwistLimiter
from cns_core.geometry.twist import require_finite, saturate

ANY_TWIST = arrays(float, 6, elements=st.floats(allow_nan=False, allow_infinity=False))
USUAL_TWIST = arrays(float, 6, elements=st.floats(-2.0, 2.0))
LIMITS = st.builds(
    MotionLimits,
    *[st.floats(0.01, 2.0)] * 2,
    *[st.floats(0.05, 20.0)] * 2,
    *[st.floats(0.5, 500.0)] * 2,
)
TOLERANCE = 1.0 + 1e-9
DENORMAL = 4 * math.ulp(0.0)


def speeds(twist):
    # Unlike numpy's norm, hypot does not lose the squares of tiny values.
    return math.hypot(*twist[:3]), math.hypot(*twist[3:])


@example(np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 9.544048310470623e-161, 0.0)
@example(np.array([1.0, 0.0, 0.0, 6.3624249e161, 0.0, 0.0]), 0.0, 1.0)
@given(ANY_TWIST, st.floats(0.0, 1e3), st.floats(0.0, 1e3))
def test_saturation_bounds_both_speeds_and_keeps_the_direction(twist, linear, angular):
    slow = saturate(twist, linear, angular)
    v, w = speeds(slow)
    assert v <= linear + DENORMAL
    assert w <= angular + DENORMAL
    peak = np.abs(twist).max()
    if peak > 0.0 and np.abs(slow).max() > 1e-290:
        np.testing.assert_allclose(slow / np.abs(slow).max(), twist / peak, atol=1e-9)


@given(arrays(float, 6, elements=st.floats(-0.1, 0.1)))
def test_a_twist_within_the_limits_is_not_touched(twist):
    np.testing.assert_array_equal(saturate(twist, 0.2, 0.2), twist)


def test_one_factor_scales_both_halves():
    slow = saturate([1.0, 0, 0, 0, 0, 0.2], 0.1, 1.0)
    np.testing.assert_allclose(slow, [0.1, 0, 0, 0, 0, 0.02])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_twist_that_is_not_finite_is_refused(bad):
    twist = [0.0, 0.0, bad, 0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="twist must be finite"):
        saturate(twist, 1.0, 1.0)
    limiter = TwistLimiter(MotionLimits())
    limiter.step([0.1, 0, 0, 0, 0, 0], 0.04)
    before = limiter.twist.copy()
    with pytest.raises(ValueError, match="twist must be finite"):
        limiter.step(twist, 0.04)
    np.testing.assert_array_equal(limiter.twist, before)


def test_wrong_shapes_limits_and_periods_are_named():
    with pytest.raises(ValueError, match=r"command must have shape \(6,\), got \(3,\)"):
        require_finite([1.0, 2.0, 3.0], "command")
    with pytest.raises(ValueError, match="linear_m_s must be finite and not negative, got -1.0"):
        saturate(np.zeros(6), -1.0, 1.0)
    with pytest.raises(ValueError, match="angular_rad_s3 must be finite and positive, got nan"):
        MotionLimits(angular_rad_s3=float("nan"))
    with pytest.raises(ValueError, match=r"dt must be finite and positive \(s\), got 0"):
        TwistLimiter(MotionLimits()).step(np.zeros(6), 0)


@settings(deadline=None, max_examples=200)
@given(
    LIMITS,
    st.lists(
        st.tuples(st.one_of(USUAL_TWIST, ANY_TWIST), st.floats(0.002, 0.1)),
        min_size=1,
        max_size=60,
    ),
)
def test_speed_acceleration_and_jerk_stay_within_limits_for_any_sequence(limits, sequence):
    limiter = TwistLimiter(limits)
    twist, acceleration = np.zeros(6), np.zeros(6)
    for target, dt in sequence:
        new = limiter.step(target, dt)
        change = (new - twist) / dt
        assert limits.speed_ratio(new) <= TOLERANCE
        assert limits.acceleration_ratio(change) <= 1.0 + 1e-6
        assert limits.jerk_time(change - acceleration) <= dt * (1.0 + 1e-6) + 1e-12
        twist, acceleration = new, change


@settings(deadline=None, max_examples=8)
@given(LIMITS, USUAL_TWIST, st.sampled_from([0.002, 0.008, 0.04, 0.1]))
def test_from_rest_the_direction_is_kept_and_the_target_is_reached(limits, target, dt):
    limiter = TwistLimiter(limits)
    goal = saturate(target, limits.linear_m_s, limits.angular_rad_s)
    size = np.linalg.norm(goal)
    for _ in range(int(limits.stopping_time_s / dt) + 30):
        twist = limiter.step(target, dt)
        along = twist @ goal / size**2 if size > 1e-100 else 0.0
        assert np.abs(twist - along * goal).max() <= 1e-9
        assert -1e-9 <= along <= 1.0 + 1e-9
    np.testing.assert_allclose(twist, goal, atol=1e-3 * (1.0 + size))


@settings(deadline=None, max_examples=20)
@given(LIMITS, st.lists(USUAL_TWIST, max_size=40), st.sampled_from([0.002, 0.008, 0.04]))
def test_any_state_comes_to_rest_within_the_stated_time(limits, targets, dt):
    limiter = TwistLimiter(limits)
    for target in targets:
        limiter.step(target, dt)
    for _ in range(int(limits.stopping_time_s / dt) + 4):
        twist = limiter.step(np.zeros(6), dt)
    assert limits.speed_ratio(twist) < 0.02
