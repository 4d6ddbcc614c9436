"""A method from a file of the user's: any Python file with a function ``make_method``."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cns_core.bench.methods.method import Method, Situation

FUNCTION = "make_method"
Maker = Callable[[Situation], Method]


@cache
def load(path: str) -> Maker:
    """The file's ``make_method(situation) -> Method``; modules beside the file can be imported.

    Raises:
        ValueError: if there is no such file or no such function in it, naming what was found.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"--method needs a Python file, {path} is none")
    beside = str(file.resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)
    found = runpy.run_path(str(file), run_name=file.stem)
    if not callable(found.get(FUNCTION)):
        names = sorted(name for name, value in found.items() if callable(value) and name[0] != "_")
        raise ValueError(
            f"{path} must define {FUNCTION}(situation) that returns a Method; it defines "
            f"{', '.join(names) or 'nothing that can be called'}"
        )
    return found[FUNCTION]


def own_method(path: str, situation: Situation) -> Method:
    """The method of a file for one episode.

    Raises:
        ValueError: as :func:`load`, or if what the file answers is no :class:`Method`.
    """
    method = load(path)(situation)
    if not isinstance(method, Method):
        raise ValueError(
            f"{FUNCTION} of {path} must return a Method, got {type(method).__name__}: wrap a "
            "controller as Method(controller=...), a law on images as Method(direct=...)"
        )
    return method
