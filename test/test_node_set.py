"""The one description of the node set, and what the plain-Python bring-up makes of it."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.node import Node

from cns_core.control.factory import CONTROLLERS
from cns_core.observers import OBSERVERS
from cns_core.settings import described
from cns_core.share import share_directory
from cns_core.twin.camera.presets import PRESETS
from cns_ros.bringup import node_set
from cns_ros.bringup.node_set import NodeSpec, servo_environment, servo_nodes
from cns_ros.bringup.servo_options import CAMERAS, ServoOptions, parse

PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"
REAL = {"robot_ip": "192.0.2.7", "hand_eye": "hand_eye.yaml"}


def by_name(**options):
    return {spec.name: spec for spec in servo_nodes(ServoOptions(**options))}


def test_the_twin_stands_in_for_robot_and_camera_and_nothing_else_differs():
    real, simulated = by_name(**REAL), by_name(sim=True, episode=False)
    assert set(simulated) - set(real) == {"twin"}
    assert set(real) <= set(simulated)
    assert simulated["ur_driver"].parameters["robot_ip"] == simulated["twin"].parameters["host"]
    assert real["ur_driver"].parameters["robot_ip"] == REAL["robot_ip"]


@pytest.mark.parametrize("installed", [True, False])
def test_the_supervisor_comes_where_its_actions_are_installed(installed, monkeypatch):
    monkeypatch.setattr(node_set, "has_interfaces", lambda: installed)
    assert ("supervisor" in by_name(sim=True)) == installed


def test_an_empty_option_leaves_the_parameter_to_the_file():
    nodes = by_name()
    assert nodes["ur_driver"].parameters == {}
    assert nodes["controller"].parameters == nodes["observer"].parameters == {}
    given = by_name(controller="ibvs", observer="orb", depth_prior="0.2")
    assert given["controller"].parameters == {"controller": "ibvs", "depth_prior": 0.2}
    assert given["observer"].parameters == {"observer": "orb"}
    auto = by_name(depth_prior="auto")["controller"]
    assert auto.parameters == {"depth_prior": "auto"}
    assert 'depth_prior:="auto"' in auto.command()


def test_the_twins_camera_is_the_one_asked_for():
    assert CAMERAS == PRESETS
    assert "camera" not in by_name(sim=True)["twin"].parameters
    assert by_name(sim=True, camera="webcam")["twin"].parameters["camera"] == "webcam"
    with pytest.raises(ValueError, match="camera must be one of"):
        ServoOptions(camera="phone")


def test_the_driver_is_started_last_and_so_stopped_first():
    for options in (REAL, {"sim": True}, {"sim": True, "rviz": True}):
        assert servo_nodes(ServoOptions(**options))[-1].name == "ur_driver"


def test_the_recorder_is_there_before_all_others_and_hears_the_cameras_topics(tmp_path):
    path = tmp_path / "episode.mcap"
    first, *_, last = servo_nodes(ServoOptions(sim=True, record=str(path), image_topic="/raw"))
    assert (first.name, last.name) == ("recorder", "ur_driver")
    words = first.command()
    assert words[words.index("--out") + 1] == str(path)
    assert words.index("--out") < words.index("--ros-args")
    assert "image:=/raw" in words
    assert "recorder" not in by_name(sim=True)
    assert os.access(share_directory() / "scripts" / first.executable, os.X_OK)


def test_what_cannot_be_recorded_is_refused_before_anything_starts(tmp_path, monkeypatch):
    (tmp_path / "taken.mcap").touch()
    for name, complaint in (
        ("taken.mcap", "exists already: name another file"),
        ("absent/new.mcap", "there is no folder"),
    ):
        with pytest.raises(ValueError, match=complaint):
            by_name(record=str(tmp_path / name))
    monkeypatch.setattr(node_set, "find_spec", lambda name: None if name == "mcap" else True)
    with pytest.raises(ValueError, match=r"mcap.* pip install '\.\[record\]'"):
        by_name(record=str(tmp_path / "new.mcap"))


XACRO = """#!/bin/sh
[ "$3" = ur_type:=ur5e ] || { echo "no such arm: $3" >&2; exit 1; }
cat "$1"
"""


@pytest.fixture
def ur_installed(tmp_path, monkeypatch):
    """A ROS installation with the description of the arm, and a xacro that knows one arm."""
    for package in ("ur_description", "robot_state_publisher"):
        marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / package
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    urdf = tmp_path / "share" / "ur_description" / "urdf" / "ur.urdf.xacro"
    urdf.parent.mkdir(parents=True)
    urdf.write_text('<robot name="ur">\n</robot>\n')
    xacro = tmp_path / "bin" / "xacro"
    xacro.parent.mkdir()
    xacro.write_text(XACRO)
    xacro.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", f"{xacro.parent}:{os.environ['PATH']}")
    return tmp_path


def test_the_arm_is_shown_where_its_description_is_installed(ur_installed):
    nodes = by_name(sim=True, urdf="ur5e")
    shown = nodes["robot_state_publisher"]
    assert shown.parameters["robot_description"] == '<robot name="ur">\n</robot>\n'
    program = ur_installed / "lib" / "robot_state_publisher" / "robot_state_publisher"
    assert str(program) in shown.command()
    # A frame has one parent: the flange's is then told by one node only.
    assert nodes["ur_driver"].parameters["flange_tf"] is False
    assert "flange_tf" not in by_name(sim=True)["ur_driver"].parameters
    with pytest.raises(ValueError, match="no such arm: ur_type:=ur7"):
        by_name(urdf="ur7")


@pytest.mark.parametrize("prefix", ["", "/nowhere"])
def test_an_arm_without_a_description_is_refused_with_what_to_install(monkeypatch, prefix):
    monkeypatch.setenv("AMENT_PREFIX_PATH", prefix)
    with pytest.raises(ValueError, match=r"urdf 'ur5e' needs ur_description.*apt install"):
        by_name(urdf="ur5e")


def test_only_the_episode_may_end_by_itself():
    assert [s.name for s in servo_nodes(ServoOptions(sim=True, rviz=True)) if s.ends] == ["episode"]


def test_the_camera_topics_are_remapped_in_every_node_that_uses_them():
    nodes = by_name(sim=True, image_topic="/wrist/image_raw", camera_info_topic="/wrist/info")
    for name in ("twin", "observer", "episode"):
        assert ("image", "/wrist/image_raw") in nodes[name].remappings
        assert ("camera_info", "/wrist/info") in nodes[name].remappings


def test_the_topic_of_the_arm_is_remapped_where_it_is_given():
    driver = by_name(arm_topic="/servo_node/delta_twist_cmds", **REAL)["ur_driver"]
    assert ("delta_twist_cmds", "/servo_node/delta_twist_cmds") in driver.remappings
    assert not any(inside == "twist_commands" for inside, _ in by_name()["ur_driver"].remappings)


def test_files_named_in_the_description_exist():
    for spec in servo_nodes(ServoOptions(sim=True)):
        assert all(path.is_file() for path in spec.parameter_files)
    assert Path(servo_environment(ServoOptions(sim=True), present={})[PROFILES]).is_file()
    assert Path(by_name(sim=True)["ur_driver"].parameters["hand_eye_file"]).is_file()


def test_discovery_stays_on_this_machine_in_simulation_only():
    assert servo_environment(ServoOptions(sim=True), {})["ROS_AUTOMATIC_DISCOVERY_RANGE"]
    assert "ROS_AUTOMATIC_DISCOVERY_RANGE" not in servo_environment(ServoOptions(**REAL), {})
    assert PROFILES not in servo_environment(ServoOptions(**REAL), {PROFILES: "mine.xml"})


def test_the_choices_are_those_of_the_library():
    choices = {option.name: text.choices for option, text in described(ServoOptions)}
    assert set(choices["observer"]) == {"", *OBSERVERS, "lightglue"}
    assert set(choices["controller"]) == {"", *CONTROLLERS}


def test_the_options_are_known_without_pytorch():
    program = "import sys, cns_ros.bringup.node_set; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"sim": True, "observer": "surf"}, "observer must be one of .*'surf'"),
        (
            {"sim": True, "depth_prior": "0.0"},
            r"depth_prior must be 'auto' or a number in \[0.01, 100.0\] m, got 0.0",
        ),
        ({"sim": True, "depth_prior": "nan"}, "depth_prior"),
        (
            {"sim": True, "depth_prior": "near"},
            "depth_prior must be 'auto' or a number .*, got 'near'",
        ),
        ({"sim": True, "seed": -1}, "seed must be in .*, got -1"),
    ],
)
def test_bad_options_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        ServoOptions(**options)


def test_options_are_read_by_their_type():
    option = {option.name: option for option in fields(ServoOptions)}
    assert parse(option["sim"], "True") is True
    assert parse(option["depth_prior"], "1") == "1"
    assert parse(option["robot_ip"], "10") == "10"
    for name, text in (("sim", "yes"), ("seed", "1.5")):
        with pytest.raises(ValueError, match=f"{name} must be .*{text}"):
            parse(option[name], text)


def test_parameters_arrive_with_their_types(tmp_path, ros_domain):
    sent = {"text": "1", "empty": "", "quoted": 'a "b": c', "number": 1.0, "count": 2, "flag": True}
    path = tmp_path / "more.yaml"
    path.write_text(yaml.safe_dump({"/**/probe": {"ros__parameters": {"count": 7, "extra": 3}}}))
    spec = NodeSpec("probe", "probe", parameter_files=(path,), parameters=sent)
    command = spec.command()
    rclpy.init(args=command[command.index("--ros-args") :])
    try:
        node = Node("any", automatically_declare_parameters_from_overrides=True)
        assert node.get_name() == "probe"
        received = {name: node.get_parameter(name).value for name in [*sent, "extra"]}
        node.destroy_node()
    finally:
        rclpy.shutdown()
    assert received == {**sent, "extra": 3}
    assert {k: type(v) for k, v in received.items()} == {
        k: type(v) for k, v in {**sent, "extra": 3}.items()
    }


def test_every_node_has_a_launcher_that_ros2_run_can_execute():
    for spec in servo_nodes(ServoOptions(sim=True)):
        launcher = share_directory() / "scripts" / spec.executable
        assert os.access(launcher, os.X_OK), launcher
