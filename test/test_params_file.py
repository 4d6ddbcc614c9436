"""What the user writes in a file of parameters takes effect, or is refused with the reason."""

import subprocess
import sys

import pytest
import rclpy
from ros_graph import with_parameters

from cns_core.share import share_directory
from cns_ros.bringup.node_set import servo_nodes
from cns_ros.bringup.params_file import check_arguments, check_params_file
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.observer import ObserverNode
from cns_ros.ros.parameters import in_effect, refuse_unknown

MINE = """
/**/observer:
  ros__parameters: {observer: orb, max_keypoints: 200}
/**/controller:
  ros__parameters: {gain: 0.5, depth_prior: 0.2, controller: ibvs}
"""


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_file_wins_over_the_defaults_of_the_arguments(tmp_path, ros_domain):
    path = written(tmp_path, MINE)
    specs = {spec.name: spec for spec in servo_nodes(ServoOptions(params_file=str(path)))}
    command = specs["controller"].command()
    rclpy.init(args=command[command.index("--ros-args") :])
    try:
        controller = ControllerNode()
        refuse_unknown(controller)
        said = in_effect(controller)
        controller.destroy_node()
    finally:
        rclpy.shutdown()
    assert "controller: ibvs" in said and "depth_prior: 0.2" in said and "gain: 0.5" in said


def test_an_argument_wins_over_the_file(tmp_path):
    path = written(tmp_path, MINE)
    options = ServoOptions(params_file=str(path), depth_prior="0.7", observer="akaze")
    specs = {spec.name: spec for spec in servo_nodes(options)}
    assert specs["controller"].parameters == {"depth_prior": 0.7}
    assert specs["observer"].parameters == {"observer": "akaze"}


def test_the_file_that_ships_is_in_order():
    check_params_file(share_directory() / "config" / "servo.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "/**/ur_driver:\n  ros__parameters: {max_linear_speed: 0.05}",
            "/ur_driver has no parameter 'max_linear_speed'; did you mean 'max_linear'",
        ),
        (
            "/**/controler:\n  ros__parameters: {gain: 0.5}",
            "the suite has no node 'controler'; did you mean 'controller'",
        ),
        ("/**:\n  ros__parameters: {gian: 0.5}", "no parameter 'gian'; did you mean 'gain'"),
        ("/**/controller:\n  gain: 0.5", "/controller has no ros__parameters"),
        (
            "/**/controller:\n  ros__parameters: {depth_prior: atuo}",
            r"/controller: depth_prior must be 'auto' or a number in \[0.01, 100.0\] m, got 'atuo'",
        ),
        ("/**:\n  ros__parameters: {depth_prior: true}", "depth_prior must be 'auto' .* got True"),
        ("just words", "must map nodes to their ros__parameters"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_file_that_would_be_passed_over_in_part_is_refused(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        check_params_file(written(tmp_path, text))


def test_what_ros_itself_knows_may_stand_there(tmp_path):
    check_params_file(written(tmp_path, "/**:\n  ros__parameters: {use_sim_time: true, gain: 0.5}"))


@pytest.mark.parametrize(
    ("text", "value"), [("auto", "auto"), ("1", 1.0), ("0.3", 0.3), ("3e-1", 0.3)]
)
def test_a_setting_that_is_a_number_or_a_word_is_taken_as_either(tmp_path, ros_domain, text, value):
    path = written(tmp_path, f"/**/controller:\n  ros__parameters: {{depth_prior: {text}}}")
    check_params_file(path)
    rclpy.init(args=["--ros-args", "--params-file", str(path), "-p", "controller:=ibvs"])
    try:
        controller = ControllerNode()
        assert controller.session.settings.depth_prior == value
        controller.destroy_node()
    finally:
        rclpy.shutdown()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="absent.yaml cannot be read"):
        check_params_file(tmp_path / "absent.yaml")


def test_a_node_on_its_own_refuses_what_it_does_not_know(ros_graph):
    node = ros_graph.add(with_parameters(ObserverNode, max_keypoint=100))
    with pytest.raises(ValueError, match="observer has no parameter 'max_keypoint'; did you mean"):
        refuse_unknown(node)


def test_a_misspelt_parameter_ends_the_program_with_the_reason(ros_domain):
    command = [sys.executable, "-m", "cns_ros", "controller", "--ros-args", "-p", "gian:=2.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "controller has no parameter 'gian'; did you mean 'gain'?" in done.stderr


def test_the_bring_up_starts_nothing_with_such_a_file(tmp_path, ros_domain):
    path = written(tmp_path, "/**/controler:\n  ros__parameters: {gain: 0.5}")
    command = [sys.executable, "-m", "cns_ros.bringup", "--sim", "--params-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "did you mean 'controller'" in done.stderr and "parameters in effect" not in done.stderr


def test_a_section_that_ros_would_take_for_another_node_is_refused(tmp_path):
    words = ["-r", "__ns:=/left", "--params-file"]
    for mine in ("/left/controller", "/*/controller", "/**/controller", "/**"):
        path = written(tmp_path, f"{mine}:\n  ros__parameters: {{gain: 0.5}}")
        check_arguments("controller", [*words, str(path)])
    both = "/right/controller:\n  ros__parameters: {gain: 0.5}\n"
    path = written(tmp_path, both + "/left/controller:\n  ros__parameters: {gain: 2.0}")
    check_arguments("controller", [*words, str(path)])
    path = written(tmp_path, "controller:\n  ros__parameters: {gain: 0.5}")
    with pytest.raises(ValueError, match="this node, /left/controller: write /../controller"):
        check_arguments("controller", [*words, str(path)])
    check_arguments("controller", ["--params-file", str(path)])
    check_arguments("observer", [*words, str(path)])
    path = written(tmp_path, "controler:\n  ros__parameters: {gain: 0.5}")
    with pytest.raises(ValueError, match="no node 'controler'; did you mean 'controller'"):
        check_arguments("controller", ["--params-file", str(path)])


def test_a_file_for_several_suites_is_no_fault_of_one_node(tmp_path):
    path = written(tmp_path, "/**/lidar:\n  ros__parameters: {rate: 5}\n" + MINE)
    check_arguments("controller", ["-r", "__node:=controller", "--params-file", str(path)])
    with pytest.raises(ValueError, match="/second has no parameter 'gian'; did you mean 'gain'"):
        path = written(tmp_path, "/arm/second:\n  ros__parameters: {gian: 5}")
        check_arguments("controller", ["-r", "__node:=second", "--params-file", str(path)])
    with pytest.raises(ValueError, match="controller has no parameter 'gian'"):
        check_arguments("controller", ["-p", "controller:gian:=2.0"])
