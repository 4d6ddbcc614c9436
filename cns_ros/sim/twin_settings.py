"""What the twin node may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting
from cns_core.twin.camera.presets import IDEAL, PRESETS
from cns_core.twin.world.camera_faults import KINDS
from cns_ros.bringup.servo_options import SEEDS, SIMULATED_ROBOT_IP


@dataclass(frozen=True)
class TwinSettings:
    """Parameters of the ``twin`` node."""

    seed: int = setting(0, "scene, and the pose the arm begins at", range=SEEDS)
    host: str = setting(SIMULATED_ROBOT_IP, "loopback address of the control box")
    hand_eye_file: str = setting(
        "", "pose of the camera on the flange; empty for config/twin_hand_eye.yaml"
    )
    camera: str = setting(IDEAL, "what the camera is like, see docs/camera.md", choices=PRESETS)
    noise: float = setting(
        2.0,
        "standard deviation of the ideal camera's image noise, in grey levels",
        range=(0.0, 50.0),
    )
    robot: bool = setting(
        True, "bring up the control box, too; false where one is running at host already"
    )
    scene: str = setting(
        "objects",
        "what lies before the camera; the board is the one that cns-handeye expects",
        choices=("objects", "board"),
    )
    camera_fault: str = setting("none", "what is wrong with the camera", choices=KINDS, live=True)

    clock_ahead_s: float = setting(
        0.0,
        "how far the camera's clock is ahead of this machine's",
        unit="s",
        range=(-1e6, 1e6),
        live=True,
        parameter="clock_ahead",
    )
    clock_drift: float = setting(
        0.0,
        "how much further ahead it gets in a second",
        unit="s/s",
        range=(-0.1, 0.1),
        live=True,
    )
    clock_jump_s: float = setting(
        0.0,
        "by how much it is set ahead and back again in turns, every second",
        unit="s",
        range=(-1e6, 1e6),
        live=True,
        parameter="clock_jump",
    )
    stamps: bool = setting(True, "false: the images bear the stamp 0", live=True)
    binning: int = setting(
        1, "so many pixels a side are averaged into one, as camera_info tells", range=(1, 4)
    )
    compressed: bool = setting(False, "publish image/compressed, too")
    depth: str = setting(
        "none",
        "publish depth_image, too, so encoded, with the holes that a stereo camera leaves",
        choices=("none", "16UC1", "32FC1"),
    )
    gripper: bool = setting(False, "publish the joints of a gripper on joint_states, too")

    tool_in_view: bool = setting(
        False, "a gripper reaches into the camera's images, as it does but for the ideal camera's"
    )

    def __post_init__(self) -> None:
        check(self)
