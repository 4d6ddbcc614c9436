"""Settings as a recording has them, some of them replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import yaml

from cns_core.settings import described, name_of, nearest

Group = TypeVar("Group")


def changes(words: list[str], *groups: type) -> dict[str, Any]:
    """What ``NAME=VALUE`` says, by the parameter's name.

    Raises:
        ValueError: if no group has such a parameter, naming the nearest.
    """
    known = {name_of(each) for group in groups for each, _ in described(group)}
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            raise ValueError(f"--set must be NAME=VALUE, got {word!r}{nearest(name, known)}")
        found[name] = yaml.safe_load(value)
    return found


def settings_of(group: type[Group], *values: Mapping[str, Any]) -> Group:
    """A group from parameters by name, the later ones before the earlier; the rest by default.

    Raises:
        ValueError: if the group refuses a value.
    """
    known = {name_of(each): each for each, _ in described(group)}
    given: dict[str, Any] = {}
    for mapping in values:
        for name, value in mapping.items():
            if name in known:
                whole = isinstance(known[name].default, float) and isinstance(value, int)
                given[known[name].name] = float(value) if whole else value
    return group(**given)


def by_field(group: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the parameter's name as values by the field's."""
    known = {name_of(each): each.name for each, _ in described(group)}
    return {known[name]: value for name, value in values.items() if name in known}
