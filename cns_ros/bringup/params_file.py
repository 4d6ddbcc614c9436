"""A file of parameters, looked over before the nodes are started with it.

rclpy passes over what it does not know: a section whose node is misspelt, a limit that is, would
silently be none at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from pkgutil import resolve_name

import yaml

from cns_core.settings import all_settings, name_of, nearest
from cns_ros.bringup.reference import SETTINGS

_ROS_OWN = ("use_sim_time", "qos_overrides", "start_type_description_service")


def check_params_file(path: Path | str) -> None:
    """Look over a file for the whole suite.

    Raises:
        ValueError: naming the file, and the section or parameter that no node of the suite has,
            with the nearest name.
    """
    for section, names in _sections(Path(path)).items():
        node = section.rsplit("/", 1)[-1]
        if "*" not in node and node not in SETTINGS:
            raise ValueError(
                f"params_file {path}: the suite has no node {node!r}{nearest(node, SETTINGS)}"
            )
        known = set().union(*map(_known, SETTINGS if "*" in node else [node]))
        _check(f"params_file {path}: {section}", names, known)


def check_arguments(node: str, words: Sequence[str]) -> None:
    """Look over the command line of one node, and what its files say of it.

    Args:
        node: a key of ``NODES``.
        words: after ``--ros-args``.

    Raises:
        ValueError: naming a parameter that the node does not have, with the nearest name.
    """
    renamed = [word.partition(":=")[2] for word in words if word.startswith("__node:=")]
    for flag, word in zip(words, words[1:], strict=False):
        if flag in ("-p", "--param"):
            _check(node, [word.partition(":=")[0].rsplit(":", 1)[-1]], _known(node))
        elif flag == "--params-file":
            for section, names in _sections(Path(word)).items():
                # A section for all nodes may hold what others have.
                if section.rsplit("/", 1)[-1] == (renamed or [node])[-1]:
                    _check(f"params_file {word}: {section}", names, _known(node))


def _sections(path: Path) -> dict[str, list[str]]:
    """Names of the parameters by section."""
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"params_file {path} cannot be read: {error}") from error
    if not isinstance(sections, dict):
        raise ValueError(f"params_file {path} must map nodes to their ros__parameters")
    found = {}
    for section, content in sections.items():
        parameters = content.get("ros__parameters") if isinstance(content, dict) else None
        if not isinstance(parameters, dict):
            raise ValueError(f"params_file {path}: {section} has no ros__parameters")
        found[str(section)] = list(map(str, parameters))
    return found


def _known(node: str) -> set[str]:
    groups = map(resolve_name, SETTINGS[node])
    return {name_of(each) for group in groups for each, _ in all_settings(group)}


def _check(where: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known and not name.startswith(_ROS_OWN):
            raise ValueError(f"{where} has no parameter {name!r}{nearest(name, known)}")
