"""Settings that describe and check themselves: one declaration gives type, default and range.

A group of settings is a frozen dataclass whose fields are made by :func:`setting` and which calls
:func:`check` when it is made. The nodes declare their parameters from it, the command lines their
options, and the reference page its table.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Description:
    """What is said of a setting.

    Attributes:
        text: what it is, without its unit.
        unit: SI unit, empty for none.
        range: smallest and largest number allowed, both included, of each element of a sequence.
        choices: the values allowed, empty for all.
        literals: words that may stand in a number's place.
        live: whether it may change while in use.
        parameter: its name as a parameter; empty for the field's own name.
    """

    text: str
    unit: str = ""
    range: tuple[float, float] | None = None
    choices: tuple[Any, ...] = ()
    literals: tuple[str, ...] = ()
    live: bool = False
    parameter: str = ""

    @property
    def words(self) -> str:
        """The text with its unit."""
        return f"{self.text} [{self.unit}]" if self.unit else self.text

    @property
    def allowed(self) -> str:
        """Words or numbers that are allowed, of a setting that has both."""
        words = ", ".join(map(repr, self.literals))
        low, high = self.range or (-math.inf, math.inf)
        return f"{words} or a number in [{low}, {high}]{self.unit and ' ' + self.unit}"


def setting(
    default: T,
    text: str,
    *,
    unit: str = "",
    range: tuple[float, float] | None = None,
    choices: Sequence[Any] = (),
    literals: Sequence[str] = (),
    live: bool = False,
    parameter: str = "",
) -> T:
    """A dataclass field with its :class:`Description`; the default tells the type.

    A sequence is a tuple of the default's length. With ``literals`` it is a number or one of them.
    """
    described = Description(text, unit, range, tuple(choices), tuple(literals), live, parameter)
    return field(default=default, metadata={"description": described})


def described(group: Any) -> Iterator[tuple[Field[Any], Description]]:
    """The settings of a dataclass (or an instance of one) in their order, nested ones left out."""
    for each in fields(group):
        if "description" in each.metadata:
            yield each, each.metadata["description"]


def nested(group: type) -> Iterator[tuple[str, type]]:
    """Name and class of each group of settings within a group."""
    for each in fields(group):
        if is_dataclass(each.default_factory):
            yield each.name, each.default_factory


def all_settings(group: type) -> Iterator[tuple[Field[Any], Description]]:
    """The settings of a dataclass, and then those of each group nested in it."""
    yield from described(group)
    for _, inner in nested(group):
        yield from all_settings(inner)


def name_of(each: Field[Any]) -> str:
    """The parameter's name of a setting."""
    return each.metadata["description"].parameter or each.name


def nearest(name: str, known: Collection[str]) -> str:
    """``; did you mean 'max_linear'?`` for a name that is not known, or an empty string."""
    # A name with a word too many is nearer to what it begins with than to what is as long.
    begun = sorted((each for each in known if name.startswith(each)), key=len, reverse=True)
    found = begun or difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


def check(group: Any) -> None:
    """Check every setting of an instance.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """
    for each, description in described(group):
        if reason := refusal(each.name, getattr(group, each.name), each.default, description):
            raise ValueError(reason)


def refusal(name: str, value: Any, default: Any, description: Description) -> str:
    """Why a value is refused, naming the setting, its value and what is allowed; empty if not."""
    if description.literals:
        return _mixed_refusal(name, value, description)
    if description.choices and value not in description.choices:
        return f"{name} must be one of {list(description.choices)}, got {value!r}"
    is_sequence = isinstance(default, (list, tuple))
    if is_sequence and (not isinstance(value, Sequence) or len(value) != len(default)):
        return f"{name} must have {len(default)} elements, got {value!r}"
    for number in value if is_sequence else [value]:
        if reason := _number_refusal(number, default, description, is_sequence):
            return f"{name} {reason}, got {value!r}"
    return ""


def _mixed_refusal(name: str, value: Any, description: Description) -> str:
    """Of a value that may be a number or a word."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = description.range or (-math.inf, math.inf)
        allowed = math.isfinite(value) and low <= value <= high
    else:
        allowed = value in description.literals
    return "" if allowed else f"{name} must be {description.allowed}, got {value!r}"


def _number_refusal(number: Any, default: Any, description: Description, is_sequence: bool) -> str:
    sample = default[0] if is_sequence and default else default
    if isinstance(sample, bool) or not isinstance(sample, (int, float)):
        return ""
    if not isinstance(number, (int, float)):
        return "must be a number"
    if description.range and not description.range[0] <= number <= description.range[1]:
        low, high = description.range
        unit = f" {description.unit}" if description.unit else ""
        return f"must be in [{low}, {high}]{unit}" + (" in each element" if is_sequence else "")
    return "" if math.isfinite(number) else "must be finite"
