"""A command line from a group of settings, each an option of the parameter's name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, TypeVar

from cns_core.settings import described, name_of

Group = TypeVar("Group")


def parse_options(
    group: type[Group], words: Sequence[str], prog: str, description: str | None
) -> Group:
    """An instance of a dataclass of :mod:`cns_core.settings` from a command line.

    A bad value ends the program with the reason, as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_settings(parser, group)
    try:
        return group(**vars(parser.parse_args(words)))
    except ValueError as reason:
        parser.error(str(reason))


def add_settings(parser: argparse.ArgumentParser, group: Any) -> None:
    """Add an option for every setting of a group; its value goes by the field's name."""
    for option, description in described(group):
        flag, default = "--" + name_of(option).replace("_", "-"), option.default
        text = description.words.replace("%", "%%")
        if isinstance(default, bool):
            boolean = argparse.BooleanOptionalAction
            parser.add_argument(flag, dest=option.name, default=default, help=text, action=boolean)
        else:
            parser.add_argument(
                flag,
                dest=option.name,
                default=default,
                help=text,
                type=type(default),
                choices=description.choices or None,
                metavar=None if description.choices else name_of(option).upper(),
            )
