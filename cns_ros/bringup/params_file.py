"""A file of parameters, looked over before the nodes are started with it.

rclpy passes over what it does not know: a section whose node is misspelt, a limit that is, would
silently be none at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import Field
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import yaml

from cns_core.settings import Description, all_settings, name_of, nearest, refusal
from cns_ros.bringup.reference import SETTINGS

_ROS_OWN = ("use_sim_time", "qos_overrides", "start_type_description_service")


def check_params_file(path: Path | str) -> None:
    """Look over a file for the whole suite.

    Raises:
        ValueError: naming the file, and the section or parameter that no node of the suite has,
            with the nearest name; or what stands in a number's place and is no word that may.
    """
    for section, values in _sections(Path(path)).items():
        node = section.rsplit("/", 1)[-1]
        if "*" not in node and node not in SETTINGS:
            raise ValueError(
                f"params_file {path}: the suite has no node {node!r}{nearest(node, SETTINGS)}"
            )
        nodes = list(SETTINGS) if "*" in node else [node]
        where = f"params_file {path}: {section}"
        _check(where, values, set().union(*map(_known, nodes)))
        _check_words(where, values, nodes)


def check_arguments(node: str, words: Sequence[str]) -> None:
    """Look over the command line of one node, and what its files say of it.

    Args:
        node: a key of ``NODES``.
        words: after ``--ros-args``.

    Raises:
        ValueError: naming a parameter that the node does not have, with the nearest name.
    """
    name = _renamed(words, "__node", node)
    full_name = f"{_renamed(words, '__ns', '').rstrip('/')}/{name}"
    for flag, word in zip(words, words[1:], strict=False):
        if flag in ("-p", "--param"):
            _check(node, [word.partition(":=")[0].rsplit(":", 1)[-1]], _known(node))
        elif flag == "--params-file":
            sections = _sections(Path(word))
            for section, values in sections.items():
                # A section for all nodes may hold what others have.
                if section.rsplit("/", 1)[-1] == name:
                    where = f"params_file {word}: {section}"
                    _check(where, values, _known(node))
                    _check_words(where, values, [node])
            _check_heard(word, sections, full_name)


def _renamed(words: Sequence[str], what: str, otherwise: str) -> str:
    found = [word.partition(":=")[2] for word in words if word.startswith(f"{what}:=")]
    return found[-1] if found else otherwise


def _check_heard(path: str, sections: Iterable[str], full_name: str) -> None:
    """Refuse a file that is about this node, but by a name which ROS takes for another's.

    Raises:
        ValueError: naming the section.
    """
    name = full_name.rsplit("/", 1)[-1]
    if any(_matches(section, full_name) for section in sections):
        return
    for section in sections:
        last = section.rsplit("/", 1)[-1]
        if last == name:
            raise ValueError(
                f"params_file {path}: {section} is not the name of this node, {full_name}: write "
                f"/**/{name}"
            )
        if last not in SETTINGS and (hint := nearest(last, [name])):
            raise ValueError(f"params_file {path}: there is no node {last!r}{hint}")


def _matches(section: str, full_name: str) -> bool:
    """Whether ROS takes a section, where ``*`` is one name and ``**`` any number of them."""
    words = section.lstrip("/").split("/")
    pattern = "".join({"**": "(/[^/]+)*", "*": "/[^/]+"}.get(w, "/" + re.escape(w)) for w in words)
    return re.fullmatch(pattern, full_name) is not None


def _sections(path: Path) -> dict[str, dict[str, object]]:
    """Names and values of the parameters by section."""
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
        found[str(section)] = {str(name): value for name, value in parameters.items()}
    return found


def _settings(node: str) -> Iterator[tuple[Field[Any], Description]]:
    for group in map(resolve_name, SETTINGS[node]):
        yield from all_settings(group)


def _known(node: str) -> set[str]:
    return {name_of(each) for each, _ in _settings(node)}


def _check_words(where: str, values: Mapping[str, object], nodes: Iterable[str]) -> None:
    """Of settings that are a number or a word: which of both a value is, no type can tell."""
    for each, description in chain.from_iterable(map(_settings, nodes)):
        name = name_of(each)
        if not description.literals or name not in values:
            continue
        if reason := refusal(name, _as_rcl_reads(values[name]), each.default, description):
            raise ValueError(f"{where}: {reason}")


def _as_rcl_reads(value: object) -> object:
    """``1e-1`` is a number to rcl, and a word to PyYAML."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _check(where: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known and not name.startswith(_ROS_OWN):
            raise ValueError(f"{where} has no parameter {name!r}{nearest(name, known)}")
