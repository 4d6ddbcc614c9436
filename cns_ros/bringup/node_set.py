"""The nodes of the suite: one description for the launch file and for the plain-Python bring-up."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from cns_core.share import share_directory
from cns_ros.bringup.robot_description import program as program_of
from cns_ros.bringup.robot_description import robot_description
from cns_ros.bringup.servo_options import SIMULATED_ROBOT_IP, ServoOptions

# Whoever started the nodes may be killed before it can stop them. util-linux brings setpriv.
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "INT") if shutil.which("setpriv") else ()


@dataclass(frozen=True)
class NodeSpec:
    """One process to start.

    Attributes:
        executable: program of ``package``; for our own package a key of ``cns_ros.__main__.NODES``.
        parameter_files: read before ``parameters``, which override them.
        remappings: pairs (name in the node, name in the graph).
        arguments: further words on its command line.
        ends: whether it ends by itself when its work is done; the end of any other is a failure.
    """

    executable: str
    name: str
    package: str = "cns_ros"
    parameter_files: tuple[Path, ...] = ()
    parameters: dict[str, object] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    ends: bool = False

    def command(self) -> list[str]:
        """Command line that starts the node where there is no ``ros2`` program."""
        if self.package == "cns_ros":
            program = [sys.executable, "-m", "cns_ros", self.executable]
        else:
            program = [program_of(self.package, self.executable)]
        command = [*DIE_WITH_PARENT, *program, *self.arguments]
        command += ["--ros-args", "-r", f"__node:={self.name}"]
        for path in self.parameter_files:
            command += ["--params-file", str(path)]
        for name, value in self.parameters.items():
            # A parameter is read as YAML, of which JSON is a part: "1" stays a string.
            command += ["-p", f"{name}:={json.dumps(value, ensure_ascii=False)}"]
        for inside, outside in self.remappings:
            command += ["-r", f"{inside}:={outside}"]
        return command


def servo_nodes(options: ServoOptions) -> list[NodeSpec]:
    """List the NodeSpecs of a bring-up in the order of their start.

    They are stopped in the opposite order, so that the arm's driver, started last, stops first.

    Raises:
        ValueError: naming what an option needs and does not find.
    """
    config = share_directory() / "config"
    files = (Path(options.params_file or config / "servo.yaml"),)
    topics = [("image", options.image_topic), ("camera_info", options.camera_info_topic)]
    topics += [("depth_image", options.depth_topic)]
    if options.arm_topic:
        topics += [("delta_twist_cmds", options.arm_topic), ("twist_commands", options.arm_topic)]
    nodes = [
        NodeSpec(
            *(name, name),
            parameter_files=files,
            parameters=parameters,
            remappings=tuple(topics),
            ends=name == "episode",
        )
        for name, parameters in _parameters(options, config).items()
    ]
    return [*_onlookers(options, config, tuple(topics)), *nodes]


def _onlookers(
    options: ServoOptions, config: Path, topics: tuple[tuple[str, str], ...]
) -> list[NodeSpec]:
    """Nodes that watch the others, and so are there before them."""
    nodes = []
    if options.record:
        path = _recording(options.record)
        nodes.append(
            NodeSpec("recorder", "recorder", remappings=topics, arguments=("--out", str(path)))
        )
    if options.urdf:
        name, urdf = "robot_state_publisher", robot_description(options.urdf)
        nodes.append(NodeSpec(name, name, package=name, parameters={"robot_description": urdf}))
    if options.rviz:
        view = ("-d", str(config / "servo.rviz"))
        nodes.append(NodeSpec("rviz2", "rviz", package="rviz2", arguments=view))
    return nodes


def _recording(name: str) -> Path:
    """The file to record into; ValueError says why it cannot be."""
    path = Path(name).expanduser()
    if find_spec("mcap") is None:
        raise ValueError(
            "record needs mcap, which is not installed: in the checkout, pip install '.[record]'"
        )
    if path.exists():
        raise ValueError(f"record: {path} exists already: name another file, or move it away")
    if not path.parent.is_dir():
        raise ValueError(f"record: there is no folder {path.parent}: make it")
    return path


def has_interfaces() -> bool:
    """Whether the supervisor's actions are installed; all else works without them."""
    try:
        return find_spec("cns_interfaces.action._servo") is not None
    except ImportError:
        return False


def _parameters(options: ServoOptions, config: Path) -> dict[str, dict[str, object]]:
    """What the options mean to each of our nodes, in the order of their start."""
    robot_ip, hand_eye = options.robot_ip, options.hand_eye
    nodes: dict[str, dict[str, object]] = {
        "observer": {"observer": options.observer, "desired_image_path": options.desired_image},
        "controller": {
            "controller": options.controller,
            "weights": options.weights,
            "depth_prior": options.prior,
        },
    }
    if has_interfaces():
        nodes["supervisor"] = {}
    if options.sim:
        robot_ip, twin_hand_eye = robot_ip or SIMULATED_ROBOT_IP, str(config / "twin_hand_eye.yaml")
        hand_eye = hand_eye or twin_hand_eye
        twin: dict[str, object] = {
            "seed": options.seed,
            "host": robot_ip,
            "hand_eye_file": twin_hand_eye,
        }
        # The params file, or else the node, says what is not asked for.
        seen: dict[str, object] = {"tool_in_view": True} if options.tool else {}
        seen |= {"camera": options.camera} if options.camera else {}
        nodes = {"twin": twin | seen, **nodes, **({"episode": twin} if options.episode else {})}
    nodes["ur_driver"] = {"robot_ip": robot_ip, "hand_eye_file": hand_eye}
    if options.urdf:
        nodes["ur_driver"]["flange_tf"] = False  # robot_state_publisher tells it
    # An empty option leaves the parameter to the file, or else to the node.
    return {
        name: {parameter: value for parameter, value in given.items() if value != ""}
        for name, given in nodes.items()
    }


def servo_environment(
    options: ServoOptions, present: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Environment variables to set for the nodes; what the user has set already stays."""
    wanted = {
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(share_directory() / "config" / "fastdds.xml"),
        # The nodes are the threads: pools of NumPy and PyTorch would spin in each other's way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if options.sim:
        wanted["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return {name: value for name, value in wanted.items() if name not in present}
