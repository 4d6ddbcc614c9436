"""A file of parameters, looked over before the nodes are started with it.

rclpy passes over what it does not know: a section whose node is misspelt, a limit that is, would
silently be none at all.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name

import yaml

from cns_core.settings import all_settings, name_of, nearest
from cns_ros.bringup.reference import SETTINGS

_ROS_OWN = ("use_sim_time", "qos_overrides", "start_type_description_service")


def check_params_file(path: Path | str) -> None:
    """Look over a file.

    Raises:
        ValueError: naming the file, and the section or parameter that no node of the suite has,
            with the nearest name.
    """
    path = Path(path)
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"params_file {path} cannot be read: {error}") from error
    if not isinstance(sections, dict):
        raise ValueError(f"params_file {path} must map nodes to their ros__parameters")
    for section, content in sections.items():
        _check_section(path, str(section), content)


def _check_section(path: Path, section: str, content: object) -> None:
    node = section.rsplit("/", 1)[-1]
    if "*" not in node and node not in SETTINGS:
        raise ValueError(
            f"params_file {path}: the suite has no node {node!r}{nearest(node, SETTINGS)}"
        )
    parameters = content.get("ros__parameters") if isinstance(content, dict) else None
    if not isinstance(parameters, dict):
        raise ValueError(f"params_file {path}: {section} has no ros__parameters")
    nodes = SETTINGS if "*" in node else [node]
    known = {
        name_of(each)
        for name in nodes
        for group in SETTINGS[name]
        for each, _ in all_settings(resolve_name(group))
    }
    for name in map(str, parameters):
        if name not in known and not name.startswith(_ROS_OWN):
            raise ValueError(
                f"params_file {path}: {section} has no parameter {name!r}{nearest(name, known)}"
            )
