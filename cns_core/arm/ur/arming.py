"""What has to be right before the arm is armed. A check names what is wrong, empty for nothing."""

import numpy as np

from cns_core.arm.ur.preflight import Unreachable, ask_dashboard
from cns_core.geometry import se3

_AT_REST_RAD_S = 0.01
_TCP_TOLERANCE_M, _TCP_TOLERANCE_DEG = 0.02, 2.0


def robot_obstacle(feedback, guard):
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


def command_obstacle(path, now):
    """Somebody has to be sending twists."""
    if path.fresh(now):
        return ""
    age = path.age(now)
    ago = f"the last one is {age:.2f} s old" if np.isfinite(age) else "none has come yet"
    return f"no fresh twist: {ago}, start the controller first"


def local_control(host):
    """The pendant has to have handed over."""
    try:
        answer = ask_dashboard(host, "is in remote control")
    except Unreachable as reason:
        return str(reason)
    # Controllers before the e-Series do not know the question, and have no such switch.
    return "the robot is in local control: switch it to remote" if answer == "false" else ""


def tcp_error(feedback, guard):
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
        f"kinematics of a {guard.model.name}: check robot_model"
    )
