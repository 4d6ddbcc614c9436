"""The parameters of the driver. All are fixed at start: limits do not change under a moving arm."""

from cns_core.arm.config import ArmConfig
from cns_core.arm.hand_eye import HandEye
from cns_core.arm.limits import MotionLimits
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_ros.ros.parameters import declare

BACKENDS = ("ur_rtde", "moveit_servo")
# Not a rotation: a hand-eye pose has to be given, there is no harmless default.
_NOT_GIVEN = [0.0, 0.0, 0.0, 0.0]


def declare_arm_config(node):
    """Declare all parameters of the driver and return its ArmConfig.

    Raises:
        ValueError: if the values do not go together, or the hand-eye pose is missing or malformed.
    """

    def parameter(name, default, description, **rest):
        return declare(node, name, default, description, read_only=True, **rest)

    usual, limits = ArmConfig("0.0.0.0", HandEye((0, 0, 0), (0, 0, 0, 1))), MotionLimits()
    backend = parameter("backend", BACKENDS[0], "what moves the arm", choices=BACKENDS)
    parameter("base_frame", "base", "frame of tcp_pose; UR's own base, not REP 199's base_link")
    robot_ip = parameter("robot_ip", "", "address of the robot's controller")
    return ArmConfig(
        robot_ip=robot_ip or ("none" if backend == "moveit_servo" else ""),
        hand_eye=_hand_eye(parameter),
        robot_model=parameter(
            "robot_model", usual.robot_model, "type of the arm", choices=tuple(UR_MODELS)
        ),
        limits=_limits(parameter, limits),
        box_min_m=tuple(
            parameter(
                "workspace_min",
                list(usual.box_min_m),
                "lower corner of the box for the camera, in the base frame",
                unit="m",
                range=(-3.0, 3.0),
            )
        ),
        box_max_m=tuple(
            parameter(
                "workspace_max",
                list(usual.box_max_m),
                "upper corner of the box for the camera, in the base frame",
                unit="m",
                range=(-3.0, 3.0),
            )
        ),
        rate_hz=parameter(
            "rate", usual.rate_hz, "commands to the arm", unit="Hz", range=(10.0, 500.0)
        ),
        command_timeout_s=parameter(
            "command_timeout",
            usual.command_timeout_s,
            "how long a twist is held when no newer one comes; then the arm brakes to a stop",
            unit="s",
            range=(0.01, 1.0),
        ),
        disarm_timeout_s=parameter(
            "disarm_timeout",
            usual.disarm_timeout_s,
            "silence after which the arm is disarmed as well",
            unit="s",
            range=(0.01, 10.0),
        ),
        feedback_timeout_s=parameter(
            "feedback_timeout",
            usual.feedback_timeout_s,
            "how old the arm's own state may be while it moves",
            unit="s",
            range=(0.02, 1.0),
        ),
        watchdog_hz=parameter(
            "watchdog",
            usual.watchdog_hz,
            "the robot's controller stops by itself when commands come more rarely",
            unit="Hz",
            range=(2.0, 250.0),
        ),
        tool_acceleration_m_s2=parameter(
            "tool_acceleration",
            usual.tool_acceleration_m_s2,
            "of the controller when it takes up a command, and of hard stops",
            unit="m/s^2",
            range=(0.5, 50.0),
        ),
        stop_zeros=parameter(
            "stop_zeros", usual.stop_zeros, "zero commands that end a motion", range=(1, 100)
        ),
        dry_run=parameter("dry_run", False, "do everything but take control and move"),
    )


def _limits(parameter, usual):
    """Speed, acceleration and jerk, for translation and rotation."""

    def limit(name, default, what, unit, highest):
        return parameter(name, default, f"largest {what}", unit=unit, range=(1e-3, highest))

    return MotionLimits(
        limit("max_linear", usual.linear_m_s, "linear speed", "m/s", 2.0),
        limit("max_angular", usual.angular_rad_s, "angular speed", "rad/s", 4.0),
        limit("max_linear_acceleration", usual.linear_m_s2, "acceleration", "m/s^2", 20.0),
        limit("max_angular_acceleration", usual.angular_rad_s2, "acceleration", "rad/s^2", 80.0),
        limit("max_linear_jerk", usual.linear_m_s3, "jerk", "m/s^3", 1000.0),
        limit("max_angular_jerk", usual.angular_rad_s3, "jerk", "rad/s^3", 4000.0),
    )


def _hand_eye(parameter):
    """The camera's pose on the flange from a file, or else from the parameters themselves."""
    path = parameter("hand_eye_file", "", "YAML file with the camera's pose on the flange")
    xyz = parameter(
        "hand_eye_xyz", [0.0, 0.0, 0.0], "camera on the flange", unit="m", range=(-2.0, 2.0)
    )
    quaternion = parameter(
        "hand_eye_quaternion", _NOT_GIVEN, "camera on the flange, x y z w", range=(-1.0, 1.0)
    )
    frame = parameter("camera_frame", "camera_optical_frame", "frame of the twists, without file")
    if path:
        return HandEye.load(path)
    if quaternion == _NOT_GIVEN:
        raise ValueError("give the hand-eye pose: hand_eye_file, or hand_eye_xyz and _quaternion")
    return HandEye(tuple(xyz), tuple(quaternion), camera_frame=frame)
