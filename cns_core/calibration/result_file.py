"""The file of a result: looked at before the work, and replaced only by a whole new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def writable_file(name: str) -> Path:
    """The absolute path of a file that can be written, ``~`` expanded and links followed.

    Raises:
        ValueError: naming the path and why nothing can be written there.
    """
    if not name.strip():
        raise ValueError("file must be a path, got an empty one")
    try:
        path = Path(name).expanduser().resolve()
        if path.exists() and not path.is_file():
            raise ValueError(f"file {path} is not a file: name one in it, or another")
        if not path.parent.is_dir():
            raise ValueError(f"file {path} cannot be written: make the folder {path.parent} first")
        if path.exists() and not os.access(path, os.W_OK):
            raise ValueError(f"file {path} is write-protected: name another, or allow writing")
        # Permissions do not tell all: the disk may be read-only.
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except (OSError, RuntimeError) as error:
        raise ValueError(f"file {name} cannot be written: {error}") from error


def replace_file(path: Path, write: Callable[[Path], None]) -> Path | None:
    """Write a file as a whole; the one it replaces is kept beside it.

    Args:
        write: called with the path to write to.

    Returns:
        Where the former file is now; None if there was none.

    Raises:
        OSError: if it cannot be written; the former file is then still there.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        write(new)
        with new.open("rb") as written:
            os.fsync(written.fileno())
        kept = _keep(path) if path.exists() else None
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return kept


def _keep(path: Path) -> Path:
    kept = path.with_name(f"{path.name}.bak")
    copy = path.with_name(f".{kept.name}.new")
    try:
        shutil.copy2(path, copy)
        os.replace(copy, kept)
    finally:
        copy.unlink(missing_ok=True)
    return kept
