"""Every parameter that the suite is brought up with is one its node declares and accepts."""

import importlib

import pytest
import rclpy
import yaml

from cns_ros.__main__ import NODES
from cns_ros.bringup.node_set import servo_nodes
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.sim.episode_watch import EpisodeWatch


def node_class(spec):
    """What builds the node of a spec."""
    if spec.name == "episode":
        return EpisodeWatch
    module = importlib.import_module(NODES[spec.executable])
    return getattr(module, {"ur_driver": "UrDriverNode"}.get(spec.name, f"{spec.name.title()}Node"))


def given(spec):
    """Names of all parameters that a spec gives its node, from its files and on its own."""
    names = set(spec.parameters)
    for path in spec.parameter_files:
        section = yaml.safe_load(path.read_text()).get(f"/**/{spec.name}", {})
        names |= set(section.get("ros__parameters", {}))
    return names


@pytest.mark.parametrize("name", ["twin", "observer", "controller", "episode", "ur_driver"])
def test_the_node_declares_what_it_is_given(name, robot_address, ros_domain):
    options = ServoOptions(sim=True, robot_ip=robot_address, controller="ibvs")
    spec = {spec.name: spec for spec in servo_nodes(options)}[name]
    command = spec.command()
    # rclpy ignores a parameter that nobody declares, and a misspelt limit would be none at all.
    rclpy.init(args=command[command.index("--ros-args") :])
    try:
        node = node_class(spec)()
        unknown = {parameter for parameter in given(spec) if not node.has_parameter(parameter)}
        node.destroy_node()
    finally:
        rclpy.shutdown()
    assert not unknown
