"""Rigid motions: group laws, and the convention that a twist is of the moving frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from cns_core.geometry import se3

twists = st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6).map(np.array)


def matrix(twist):
    """(4, 4) matrix of the Lie algebra."""
    M = np.zeros((4, 4))
    M[:3, :3], M[:3, 3] = se3.skew(twist[3:]), twist[:3]
    return M


@given(twists)
def test_exp_is_the_matrix_exponential(twist):
    np.testing.assert_allclose(se3.exp(twist), expm(matrix(twist)), atol=1e-9)


@given(twists)
def test_log_inverts_exp(twist):
    np.testing.assert_allclose(se3.log(se3.exp(twist)), twist, atol=1e-7)


@pytest.mark.parametrize("angle", [1e-12, 1e-7, 1e-6, 1e-5])
def test_small_rotations_lose_no_digits(angle):
    twist = np.array([0.3, -0.2, 0.1, angle, -angle, 0.5 * angle])
    np.testing.assert_allclose(se3.exp(twist), expm(matrix(twist)), atol=1e-14)


@given(twists, twists)
def test_inverse_undoes_a_pose(a, b):
    T = se3.exp(a) @ se3.exp(b)
    np.testing.assert_allclose(T @ se3.inverse(T), np.eye(4), atol=1e-12)


@given(twists, twists)
def test_adjoint_moves_a_twist_between_frames(a, twist):
    T_ab = se3.exp(a)
    moved = se3.exp(se3.adjoint(T_ab) @ twist)
    np.testing.assert_allclose(moved, T_ab @ se3.exp(twist) @ se3.inverse(T_ab), atol=1e-8)


def test_a_camera_moves_along_its_own_axes():
    T_wc = se3.look_at([0.0, 0.0, 0.5], [0.0, 0.0, 0.0], up=(0, 1, 0))
    forward = T_wc @ se3.exp([0.0, 0.0, 0.1, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(forward[:3, 3], [0.0, 0.0, 0.4], atol=1e-12)


def test_look_at_puts_the_target_on_the_axis_and_up_at_the_top():
    T_wc = se3.look_at([0.3, -0.4, 0.5], [0.1, 0.0, 0.02])
    target_c = se3.inverse(T_wc) @ [0.1, 0.0, 0.02, 1.0]
    np.testing.assert_allclose(target_c[:2], 0.0, atol=1e-12)
    assert target_c[2] > 0
    assert T_wc[2, 1] < 0  # image y, which points down, goes down in the world
    assert np.linalg.det(T_wc[:3, :3]) == pytest.approx(1.0)


def test_look_at_refuses_a_view_along_up():
    with pytest.raises(ValueError, match="no unique camera"):
        se3.look_at([0, 0, 1], [0, 0, 0], up=(0, 0, 1))


@given(twists)
def test_errors_are_angle_and_distance(twist):
    T = se3.exp(twist)
    twist_back = se3.log(T)
    angle_deg = np.degrees(np.linalg.norm(twist_back[3:]))
    assert se3.rotation_error_deg(np.eye(4), T) == pytest.approx(angle_deg, abs=1e-5)
    assert se3.translation_error_m(np.eye(4), T) == pytest.approx(np.linalg.norm(T[:3, 3]))


@given(twists)
def test_a_pose_that_is_rounded_is_made_rigid_again(twist):
    T = se3.exp(twist)
    rounded = T.astype(np.float32).astype(float)
    mended = se3.rigid(rounded)
    np.testing.assert_allclose(mended[:3, :3].T @ mended[:3, :3], np.eye(3), atol=1e-14)
    np.testing.assert_allclose(mended, T, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [np.eye(3), np.full((4, 4), np.nan), np.diag([1.1, 1.1, 1.1, 1.0]), np.diag([1, 1, -1, 1])],
)
def test_what_is_no_pose_is_refused(wrong):
    with pytest.raises(ValueError, match="pose"):
        se3.rigid(wrong)
