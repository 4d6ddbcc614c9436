"""Which names a goal may have: those that are also the name of a folder, everywhere."""

from __future__ import annotations

import unicodedata

from cns_core.goals.goal import GoalError

NOW = "now"
"""No goal's name: what the camera sees at this moment."""
_LONGEST_BYTES = 200
_FORBIDDEN = '/\\:*?"<>|'


def checked_name(name: str) -> str:
    """The name in its one spelling (NFC).

    Raises:
        GoalError: for a name that could leave the folder, hide in it, or confuse a command line.
    """
    spelt = unicodedata.normalize("NFC", name)
    if not spelt or spelt != spelt.strip():
        raise _bad(name, "must not be empty, nor begin or end with a space")
    if not spelt.isprintable():
        raise _bad(name, "must have no control characters")
    if found := sorted(set(spelt) & set(_FORBIDDEN)):
        raise _bad(name, f"must have none of {_FORBIDDEN}, found {''.join(found)}")
    if spelt[0] in ".-" or spelt[-1] == ".":
        raise _bad(name, "must not begin with '.' or '-', nor end with '.'")
    if len(spelt.encode()) > _LONGEST_BYTES:
        raise _bad(name, f"must be at most {_LONGEST_BYTES} bytes, got {len(spelt.encode())}")
    if spelt.casefold() == NOW:
        raise _bad(name, "means what the camera sees at this moment")
    return spelt


def _bad(name: str, reason: str) -> GoalError:
    return GoalError(f"a goal's name {reason}: {name!r}; choose another, such as 'dock 1'")
