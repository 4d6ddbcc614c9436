"""Message definitions as MCAP embeds them (encoding ``ros2msg``)."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

_RULE = "=" * 80
_PRIMITIVES = {"bool", "byte", "char", "float32", "float64", "string", "wstring"}
_PRIMITIVES |= {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_FIELD = re.compile(r"^(?P<type>[\w/]+)(?:<=\d+)?(?:\[[^\]]*\])?\s+\w+\s*(?:$|[^=\s])")


def message_class(type_name: str) -> type:
    """The Python class of a type such as ``sensor_msgs/msg/Image``.

    Raises:
        ImportError: if its package is not installed.
    """
    package, _, name = type_name.split("/")
    try:
        return getattr(import_module(f"{package}.msg"), name)
    except AttributeError:
        raise ImportError(f"{package} has no message {name}", name=package) from None


def message_definition(type_name: str) -> str:
    """The definition of a type and of all that it is made of, from the files of the packages.

    Raises:
        FileNotFoundError: if a package brings no definitions.
    """
    parts: list[str] = []
    waiting, known = [_short(type_name)], {_short(type_name)}
    while waiting:
        name = waiting.pop(0)
        text = _read(name)
        parts.append(f"MSG: {name}\n{text}" if parts else text)
        for inner in _fields(name, text):
            if inner not in known:
                known.add(inner)
                waiting.append(inner)
    return f"\n{_RULE}\n".join(part.rstrip("\n") for part in parts) + "\n"


def _short(type_name: str) -> str:
    """``sensor_msgs/Image``, as definitions call each other."""
    return type_name.replace("/msg/", "/")


def _read(name: str) -> str:
    package, message = name.split("/")
    module = import_module(package)
    # Beside the modules, be it /opt/ros or a virtual environment: no ament index is needed.
    for folder in Path(str(module.__file__)).parents:
        path = folder / "share" / package / "msg" / f"{message}.msg"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"no share/{package}/msg/{message}.msg above {module.__file__}")


def _fields(name: str, text: str) -> list[str]:
    """Types of the fields that are messages themselves."""
    package = name.split("/")[0]
    found = []
    for line in text.splitlines():
        match = _FIELD.match(line.split("#")[0].strip())
        if match and match["type"] not in _PRIMITIVES:
            kind = match["type"]
            found.append(_short(kind) if "/" in kind else f"{package}/{kind}")
    return found
