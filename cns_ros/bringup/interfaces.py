"""Writes the reference of topics, services and actions: ``python -m cns_ros.bringup.interfaces``.

It builds the nodes and lists what they have; what a name means stands in :mod:`.interface_texts`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from pkgutil import resolve_name

from cns_core.share import share_directory
from cns_ros.bringup.interface_survey import own_address, survey
from cns_ros.bringup.interface_texts import FRAMES, TEXTS
from cns_ros.bringup.node_interfaces import Interface

_INTRODUCTION = """# Topics, services, actions, frames

Written by `python -m cns_ros.bringup.interfaces > docs/interfaces.md`, which builds the nodes and
asks each what it has; a test keeps it current. Parameters: [parameters.md](parameters.md).

Names without a slash are relative to the node's namespace, and `~/` is the node's own name. Quality
of service: the number is the depth; what is *overridable* is so by
[parameters](parameters.md#parameters-of-the-nodes). `camera_info` and `desired_image` are taken
from publishers that latch and from those that do not. The nodes `episode`, `hand_eye_tour` and
`recorder` only listen and call.
"""
_FRAMES = """## Frames

Told where `tf2_msgs` is installed; more on them: [screen.md](screen.md#frames).
"""
_DEFINITIONS = """## Types of the actions and services

Those of the package `cns_interfaces`; all others are standard messages.
"""
_TOPICS = ("", "topic", "type", "quality of service", "what it is")
_CALLS = ("", "name", "type", "what it does")
_FRAME_COLUMNS = ("frame", "told by", "parameter", "what it is")


def page(interfaces: Iterable[Interface]) -> str:
    """The reference as Markdown.

    Raises:
        ValueError: naming an interface that lacks a line in :data:`.TEXTS`, or a line too many.
    """
    interfaces = list(interfaces)
    _check({each.full_name for each in interfaces})
    lines = [_INTRODUCTION]
    for node, group in groupby(interfaces, key=lambda each: each.node):
        found = list(group)
        topics = [each for role in ("takes", "publishes") for each in found if each.role == role]
        calls = [each for each in found if each not in topics]
        lines += [f"## {node}", "", *_table(_TOPICS, map(_topic, topics)), ""]
        if calls:
            lines += [*_table(_CALLS, map(_call, calls)), ""]
    lines += [_FRAMES, *_table(_FRAME_COLUMNS, map(_frame, FRAMES))]
    return "\n".join([*lines, "", _DEFINITIONS, *_definitions()])


def _check(names: set[str]) -> None:
    if missing := names - TEXTS.keys():
        raise ValueError(f"say in interface_texts.py what is {', '.join(sorted(missing))}")
    if idle := TEXTS.keys() - names:
        raise ValueError(f"interface_texts.py speaks of {', '.join(sorted(idle))}: no node has it")


def _topic(each: Interface) -> list[str]:
    text = TEXTS[each.full_name] + (f"; only with {each.only_with}" if each.only_with else "")
    return [each.role, f"`{each.name}`", f"`{each.kind}`", each.quality, text]


def _call(each: Interface) -> list[str]:
    return [each.role, f"`{each.name}`", f"`{each.kind}`", TEXTS[each.full_name]]


def _frame(row: tuple[str, str, str]) -> list[str]:
    path, told_by, text = row
    setting = path.rsplit(".", 1)[1]
    return [f"`{resolve_name(path)}`", told_by or "nobody: it is the root", f"`{setting}`", text]


def _definitions() -> list[str]:
    folder = share_directory() / "cns_interfaces"
    files = (path for kind in ("action", "srv", "msg") for path in sorted(folder.glob(f"{kind}/*")))
    return [line for path in files for line in _definition(path)]


def _definition(path: Path) -> list[str]:
    title = f"### cns_interfaces/{path.parent.name}/{path.stem}"
    return [title, "", "```text", path.read_text().rstrip(), "```", ""]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows)]


def main() -> int:
    """Write the page to the standard output."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    sys.stdout.write(page(survey(own_address()).interfaces))
    return 0


if __name__ == "__main__":
    sys.exit(main())
