"""Writes the reference of all parameters: ``python -m cns_ros.bringup.reference``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import Field
from pkgutil import resolve_name
from typing import Any

from cns_core.settings import Description, all_settings, described, name_of
from cns_ros.bringup.servo_options import ServoOptions

SETTINGS = {
    "observer": ["cns_ros.nodes.observer_settings:ObserverSettings"],
    "controller": [
        "cns_core.control.settings:ControlSettings",
        "cns_core.control.settings:SessionSettings",
        "cns_ros.nodes.screen_settings:ScreenSettings",
    ],
    "ur_driver": [
        "cns_ros.nodes.driver_settings:DriverSettings",
        "cns_ros.nodes.driver_settings:MountSettings",
        "cns_core.arm.ur.config:UrConfig",
    ],
    "supervisor": ["cns_ros.nodes.supervisor_settings:SupervisorSettings"],
    "hand_eye": ["cns_ros.nodes.hand_eye_settings:HandEyeSettings"],
    "twin": ["cns_ros.sim.twin_settings:TwinSettings"],
    "episode": ["cns_ros.sim.episode_settings:EpisodeSettings"],
    "hand_eye_tour": ["cns_ros.sim.hand_eye_tour:TourSettings"],
    "recorder": [],
}
"""Name of the node: the classes of its settings, imported when the page is written."""

_INTRODUCTION = """# Parameters

Written by `python -m cns_ros.bringup.reference > docs/parameters.md` from the declarations that the
programs themselves read; a test keeps it current. A value outside its range or its choices is
refused with a reason, at the start and later.

## Arguments of the bring-up

Of `ros2 launch cns_ros servo.launch.py NAME:=VALUE`, and with `--` of `python -m cns_ros.bringup`
(`--depth-prior 0.4`, `--sim`, `--no-episode`).
"""
_NODES = """
## Parameters of the nodes

In a file (see `config/servo.yaml`; the bring-up takes one as `params_file`) or on a node's own
command line, `--ros-args -p NAME:=VALUE`. `ros2 param describe NODE NAME` says the same of a node
that runs.

Qualities of service, too, are parameters where a camera or an arm of another make may need others:
`reliability`, `durability` and `deadline` (ns) of `image`, `matches`, `twist`, `tcp_pose` and
`joint_states`. Under `ros__parameters` of the node, by the name that the topic has in the graph:

    qos_overrides:
      /camera/image_raw:
        subscription:          # or publisher
          reliability: reliable

The depth is no such parameter: the newest message replaces all before it.
"""
_ARGUMENTS = ("argument", "default", "unit", "allowed", "what it is")
_PARAMETERS = ("parameter", "default", "unit", "allowed", "while running", "what it is")


def reference() -> str:
    """The page as Markdown."""
    options = [[option.name, *_columns(option, text)] for option, text in described(ServoOptions)]
    lines = [_INTRODUCTION, *_table(_ARGUMENTS, options), _NODES]
    for name, paths in SETTINGS.items():
        groups = map(resolve_name, paths)
        rows = [_parameter(*each) for group in groups for each in all_settings(group)]
        if rows:
            lines += [f"### {name}", "", *_table(_PARAMETERS, rows), ""]
    return "\n".join(lines)


def _parameter(each: Field[Any], description: Description) -> list[str]:
    *values, text = _columns(each, description)
    return [name_of(each), *values, "may change" if description.live else "fixed", text]


def _columns(each: Field[Any], description: Description) -> list[str]:
    """Default, unit, what is allowed, and what it is."""
    default = f"`{json.dumps(each.default)}`"
    return [default, description.unit, _allowed(description), description.text]


def _allowed(description: Description) -> str:
    if description.choices:
        return ", ".join(
            f"`{choice}`" if choice != "" else '`""`' for choice in description.choices
        )
    numbers = ["{} to {}".format(*description.range)] if description.range else []
    return ", ".join([*(f"`{word}`" for word in description.literals), *numbers])


def _table(header: Sequence[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table, whose first column is code."""
    lines = [[f"`{name}`", *cells] for name, *cells in rows]
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines)]


if __name__ == "__main__":
    sys.stdout.write(reference())
