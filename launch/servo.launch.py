"""Bring the suite up on a robot, or with sim:=true against the twin."""

from functools import partial

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from cns_core.settings import described
from cns_ros.bringup.node_set import DIE_WITH_PARENT, servo_environment, servo_nodes
from cns_ros.bringup.params_file import check_params_file
from cns_ros.bringup.servo_options import ServoOptions, parse


def generate_launch_description():
    """Declare every option as an argument, then start the nodes they ask for."""
    arguments = [_argument(*option) for option in described(ServoOptions)]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start)])


def _argument(option, description):
    default, choices = option.default, description.choices
    if isinstance(default, bool):
        default, choices = str(default).lower(), ("true", "false")
    return DeclareLaunchArgument(
        option.name,
        default_value=str(default),
        description=description.words,
        choices=choices or None,
    )


def _start(context):
    options = ServoOptions(
        **{
            option.name: parse(option, LaunchConfiguration(option.name).perform(context))
            for option, _ in described(ServoOptions)
        }
    )
    if options.params_file:
        check_params_file(options.params_file)
    environment = servo_environment(options, present=context.environment)
    variables = [SetEnvironmentVariable(*variable) for variable in environment.items()]
    return variables + [_node(spec) for spec in servo_nodes(options)]


def _node(spec):
    parameters = {
        # Told nothing else, launch_ros takes the text of an address or a path for YAML.
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in spec.parameters.items()
    }
    return Node(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        exec_name=spec.name,
        parameters=[*map(str, spec.parameter_files), parameters],
        remappings=list(spec.remappings),
        arguments=list(spec.arguments),
        prefix=" ".join(DIE_WITH_PARENT),
        output="screen",
        on_exit=partial(_end, spec),
    )


def _end(spec, event, context):
    """The suite is of no use in parts: when one node ends, all do; a failure fails the launch."""
    if context.is_shutdown:
        return None
    reason = f"{spec.name} ended with exit code {event.returncode}"
    if event.returncode or not spec.ends:
        raise RuntimeError(reason)
    return Shutdown(reason=reason)
