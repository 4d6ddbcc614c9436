"""The launch file under the real launch_ros, where it is installed."""

from dataclasses import fields

import pytest

from cns_core.settings import described
from cns_core.share import share_directory
from cns_ros.bringup.node_set import servo_nodes
from cns_ros.bringup.servo_options import ServoOptions

pytest.importorskip("launch_ros", reason="launch_ros is part of a ROS installation only")

from launch import LaunchContext  # noqa: E402
from launch.actions import DeclareLaunchArgument, OpaqueFunction  # noqa: E402
from launch.launch_description_sources import (  # noqa: E402
    get_launch_description_from_python_launch_file as load,
)
from launch_ros.actions import Node  # noqa: E402


def launch_file():
    return load(str(share_directory() / "launch" / "servo.launch.py"))


def started(**arguments):
    """The Node actions that the launch file starts, given arguments as text."""
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    nodes = []
    for entity in launch_file().entities:
        results = entity.execute(context) if isinstance(entity, OpaqueFunction) else None
        if not results:
            entity.visit(context)
        nodes += [action for action in results or [] if isinstance(action, Node)]
    return nodes


def test_every_option_is_an_argument_with_description_default_and_choices():
    declared = {a.name: a for a in launch_file().entities if isinstance(a, DeclareLaunchArgument)}
    assert set(declared) == {option.name for option in fields(ServoOptions)}
    for option, description in described(ServoOptions):
        argument = declared[option.name]
        assert argument.description.startswith(description.text)
        assert argument.default_value is not None
        if isinstance(option.default, bool):
            assert argument.choices == ("true", "false")
        elif description.choices:
            assert argument.choices == description.choices


def test_the_launch_file_starts_the_nodes_of_the_one_description():
    expected = [(s.package, s.executable) for s in servo_nodes(ServoOptions(sim=True, seed=3))]
    nodes = started(sim="true", seed="3")
    assert [(node.node_package, node.node_executable) for node in nodes] == expected


def test_a_bad_argument_starts_nothing():
    with pytest.raises(ValueError, match="seed must be int, got 'one'"):
        started(sim="true", seed="one")
    with pytest.raises(ValueError, match="depth_prior must be 'auto' or a number .* got -1"):
        started(sim="true", depth_prior="-1")
    with pytest.raises(RuntimeError, match="provided value .*surf.* is not valid"):
        started(sim="true", observer="surf")
