"""What has to be right before a UR arm is armed. A check names what is wrong, empty for nothing."""

from __future__ import annotations

import numpy as np

from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.ur.feedback import Feedback
from cns_core.arm.ur.preflight import Unreachable, ask_dashboard
from cns_core.geometry import se3

_AT_REST_RAD_S = 0.01
_TCP_TOLERANCE_M, _TCP_TOLERANCE_DEG = 0.02, 2.0


def robot_obstacle(feedback: Feedback, guard: MotionGuard) -> str:
    """The robot has to be ready, at rest, unused by others, and inside its boundaries."""
    if feedback.safety_stop:
        return f"{feedback.safety_stop}: clear it on the pendant"
    if feedback.not_running:
        return f"{feedback.not_running}: switch it on and release the brakes"
    if feedback.program_plays:
        return "a program is playing on the controller: stop it first"
    if np.abs(feedback.qd).max() > _AT_REST_RAD_S:
        return "the arm is moving"
    if boundary := guard.outside(feedback.q):
        return f"the arm is beyond the {boundary}: jog it back"
    return ""


def local_control(host: str) -> str:
    """The pendant has to have handed over."""
    try:
        answer = ask_dashboard(host, "is in remote control")
    except Unreachable as reason:
        return str(reason)
    # Controllers before the e-Series do not know the question, and have no such switch.
    return "the robot is in local control: switch it to remote" if answer == "false" else ""


def tcp_error(feedback: Feedback, guard: MotionGuard) -> str:
    """The controller has to see the camera where we do; a wrong robot model shows here."""
    ours = guard.camera_pose(feedback.q)
    theirs = se3.exp(np.concatenate([np.zeros(3), feedback.tcp_pose[3:]]))
    theirs[:3, 3] = feedback.tcp_pose[:3]
    metres = se3.translation_error_m(ours, theirs)
    degrees = se3.rotation_error_deg(ours, theirs)
    if metres < _TCP_TOLERANCE_M and degrees < _TCP_TOLERANCE_DEG:
        return ""
    return (
        f"the controller's TCP is {1e3 * metres:.1f} mm and {degrees:.1f} deg off the "
        f"kinematics of a {guard.model.name} (allowed {1e3 * _TCP_TOLERANCE_M:.0f} mm, "
        f"{_TCP_TOLERANCE_DEG} deg): check robot_model"
    )
