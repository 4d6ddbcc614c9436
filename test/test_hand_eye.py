"""The hand-eye file, and the path of a twist from the camera to the arm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from cns_core.arm.hand_eye import HandEye, flange_twist, tcp_twist_in_base
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3

TWISTS = arrays(float, 6, elements=st.floats(-0.5, 0.5))
ANGLES = arrays(float, 6, elements=st.floats(-3.0, 3.0))
OFFSETS = arrays(float, 6, elements=st.floats(-0.3, 0.3))


def test_a_saved_file_is_read_back_exactly(tmp_path):
    turn = Rotation.from_euler("xyz", [0.1, -0.4, 3.0])
    hand_eye = HandEye((0.01, -0.04, 1 / 3), tuple(turn.as_quat()), camera_frame="wrist_optical")
    hand_eye.save(tmp_path / "hand_eye.yaml")
    assert HandEye.load(tmp_path / "hand_eye.yaml") == hand_eye
    np.testing.assert_allclose(hand_eye.tcp[3:], turn.as_rotvec())
    same = HandEye.from_pose(hand_eye.T_flange_camera)
    np.testing.assert_allclose(same.T_flange_camera, hand_eye.T_flange_camera, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("xyz_m: [0, 0, 0]", r"missing \['quaternion_xyzw'\]"),
        ("just text", "must hold"),
        ("xyz_m: [0, 0", "cannot be read"),
        ("xyz_m: [0, 0]\nquaternion_xyzw: [0, 0, 0, 1]", "xyz_m must be 3 finite numbers"),
        ("xyz_m: [0, 0, .nan]\nquaternion_xyzw: [0, 0, 0, 1]", "xyz_m must be 3 finite numbers"),
        ("xyz_m: [0, 0, 50]\nquaternion_xyzw: [0, 0, 0, 1]", "within 2.0 m"),
        ("xyz_m: [0, 0, 0]\nquaternion_xyzw: [1, 0, 0, 1]", "must have norm 1"),
        ("xyz_m: [0, 0, 0]\nquaternion_xyzw: [0, 0, 0, 1]\nrpy: 0", r"unknown \['rpy'\]"),
        ("xyz_m: {x: 1}\nquaternion_xyzw: [0, 0, 0, 1]", "xyz_m must be 3 finite numbers"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path, text, complaint):
    path = tmp_path / "hand_eye.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint) as refusal:
        HandEye.load(path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"absent.yaml cannot be read"):
        HandEye.load(tmp_path / "absent.yaml")


@settings(deadline=None)
@given(ANGLES, OFFSETS, TWISTS)
def test_the_path_agrees_with_finite_differences_through_the_kinematics(q, offset, twist):
    """Joint speeds from the flange's adjoint twist must move the camera by the camera's twist."""
    arm, T_flange_camera = UR_MODELS["ur5e"], se3.exp(offset)
    if arm.condition_number(q) > 1e3:
        return
    T_base_flange = arm.forward(q)
    R = T_base_flange[:3, :3]
    at_flange = flange_twist(twist, T_flange_camera)
    speeds = np.linalg.solve(
        arm.jacobian(q), np.concatenate([R @ at_flange[:3], R @ at_flange[3:]])
    )
    step = 1e-6 / max(1.0, np.abs(speeds).max())
    before, after = (
        arm.forward(q + sign * step * speeds) @ T_flange_camera for sign in (-0.5, 0.5)
    )
    np.testing.assert_allclose(se3.log(se3.inverse(before) @ after) / step, twist, atol=2e-4)

    T_base_camera = T_base_flange @ T_flange_camera
    moved = arm.jacobian(q, T_flange_camera) @ speeds
    np.testing.assert_allclose(tcp_twist_in_base(twist, T_base_camera), moved, atol=1e-9)
