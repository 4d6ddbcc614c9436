"""The arms' kinematics against independent formulas, finite differences and round trips."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3

models = st.sampled_from(list(UR_MODELS.values()))
joints = st.lists(st.floats(-6.2, 6.2), min_size=6, max_size=6).map(np.array)
TOOL = se3.pose(Rotation.from_euler("xyz", [0.3, -0.2, 0.5]), [0.02, -0.05, 0.14])


def dh_forward(model, q):
    """The textbook product of standard DH matrices."""
    lengths = [(0, model.d1), (model.a2, 0), (model.a3, 0), (0, model.d4), (0, model.d5)]
    T = np.eye(4)
    for (a, d), alpha, angle in zip(
        [*lengths, (0, model.d6)], np.pi / 2 * np.array([1, 0, 0, 1, -1, 0]), q, strict=True
    ):
        T = T @ se3.pose(Rotation.from_euler("z", angle), [0, 0, d])
        T = T @ se3.pose(Rotation.from_euler("x", alpha), [a, 0, 0])
    return T


@given(models, joints)
def test_forward_is_the_product_of_dh_matrices(model, q):
    np.testing.assert_allclose(model.forward(q), dh_forward(model, q), atol=1e-12)


def test_forward_at_zero_matches_the_published_ur5e_drawing():
    T = UR_MODELS["ur5e"].forward(np.zeros(6))
    np.testing.assert_allclose(T[:3, 3], [-0.8172, -0.2329, 0.0628], atol=1e-9)


@given(models, joints, st.sampled_from([None, TOOL]))
@settings(max_examples=50)
def test_jacobian_agrees_with_finite_differences(model, q, tool):
    step = 1e-6
    tcp = np.eye(4) if tool is None else tool
    numeric = np.empty((6, 6))
    for i, dq in enumerate(step * np.eye(6)):
        ahead, behind = model.forward(q + dq) @ tcp, model.forward(q - dq) @ tcp
        numeric[:3, i] = (ahead - behind)[:3, 3] / (2 * step)
        spin = Rotation.from_matrix(ahead[:3, :3] @ behind[:3, :3].T)
        numeric[3:, i] = spin.as_rotvec() / (2 * step)
    np.testing.assert_allclose(model.jacobian(q, tool), numeric, atol=1e-8)


@given(models, joints)
@example(UR_MODELS["ur3e"], np.array([0.0, 6.1953125, 0.0, 6.1953125, 0.0, 0.0]))
def test_every_inverse_solution_reaches_the_pose(model, q):
    T = model.forward(q)
    solutions = model.inverse_all(T, q)
    assert 1 <= len(solutions) <= 8
    for solution in solutions:
        np.testing.assert_allclose(model.forward(solution), T, atol=1e-6)
        assert (np.abs(solution) <= 2 * np.pi).all()


def manipulability(model, q):
    """Yoshikawa's measure (1985) |det J|, lengths in units of the reach; 0 when singular."""
    J = model.jacobian(q)
    J[:3] /= model.reach_m
    return abs(np.linalg.det(J))


@given(models, joints)
def test_inverse_returns_to_the_joints_it_came_from(model, q):
    if manipulability(model, q) < 1e-3:
        return
    np.testing.assert_allclose(model.inverse(model.forward(q), q), q, atol=1e-6)


def test_aligned_wrists_keep_wrist_3():
    ur5e = UR_MODELS["ur5e"]
    q = np.array([0.2, -1.4, 1.3, -0.5, 0.0, 0.7])
    np.testing.assert_allclose(ur5e.inverse(ur5e.forward(q), q), q, atol=1e-6)


@pytest.mark.parametrize("position", [(2.0, 0.0, 0.3), (0.0, 0.0, 0.5)])
def test_unreachable_pose_is_refused(position):
    T = se3.pose(Rotation.from_euler("x", 180, degrees=True), position)
    with pytest.raises(ValueError, match="ur5e cannot reach"):
        UR_MODELS["ur5e"].inverse(T, np.zeros(6))


@pytest.mark.parametrize("q", [np.zeros(5), [0, 0, np.nan, 0, 0, 0]])
def test_malformed_joints_are_refused(q):
    with pytest.raises(ValueError, match="six finite"):
        UR_MODELS["ur5e"].forward(q)


def test_condition_number_grows_towards_a_singularity():
    ur5e = UR_MODELS["ur5e"]
    good = [0.0, -1.6, 1.9, -1.9, -1.57, 0.0]
    straight_elbow = [0.0, -1.6, 0.001, -1.9, -1.57, 0.0]
    assert 1.0 < ur5e.condition_number(good) < 20.0
    assert ur5e.condition_number(straight_elbow) > 500.0
