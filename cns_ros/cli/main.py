"""``cns COMMAND``: starts the program behind a command, imported only then."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from cns_ros.cli.commands import COMMANDS, Command
from cns_ros.cli.remedies import ROS_REMEDY, remedy

_USAGE = """usage: cns COMMAND [options]

Show a robot arm a picture taken by its wrist camera: it moves the camera back
to where the picture was taken.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``cns``; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"cns_ros {_version()}")
        return 0
    name = words.pop(0)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ": cns --help lists them"
        print(f"cns has no command {name!r}{hint}", file=sys.stderr)
        return 2
    return _start(name, COMMANDS[name], words)


def overview() -> str:
    """The help, at most a screen long."""
    lines = [
        f"  {name:<9}{each.summary}{' *' if each.needs_ros else ''}"
        for name, each in COMMANDS.items()
    ]
    lack = "" if find_spec("rclpy") else ", which is not found here"
    return "\n".join(
        [_USAGE, *lines, "", f"* needs ROS 2{lack}", "cns COMMAND --help: its options"]
    )


def _start(name: str, command: Command, words: list[str]) -> int:
    if command.needs_ros and find_spec("rclpy") is None:
        print(f"cns {name} needs ROS 2, and rclpy is not there: {ROS_REMEDY}", file=sys.stderr)
        return 1
    # The programs, and rclpy within them, read their words from here.
    sys.argv[:] = [f"cns {name}", *words]
    module, function = command.program.split(":")
    try:
        return getattr(import_module(module), function)() or 0
    except ImportError as error:
        print(f"cns {name}: {remedy(error)}", file=sys.stderr)
        return 1


def _version() -> str:
    try:
        return version("cns_ros")
    except PackageNotFoundError:
        return "(not installed)"
