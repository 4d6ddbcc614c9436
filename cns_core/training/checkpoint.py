"""Checkpoints that a run can be resumed from, written in one piece."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

VERSION = 1


def save(path: str | Path, **contents: Any) -> None:
    """Write tensors and plain data to ``path``; a crash leaves the old file whole."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        torch.save({"version": VERSION, **contents}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load(path: str | Path, device: str = "cpu") -> dict[str, Any]:
    """Read what :func:`save` wrote.

    Raises:
        ValueError: if the file is missing, damaged or of another version.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"checkpoint {path} does not exist")
    try:
        contents = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises whatever the unpickler meets
        raise ValueError(f"checkpoint {path} is damaged: {error}") from error
    if contents.get("version") != VERSION:
        raise ValueError(
            f"checkpoint {path} has version {contents.get('version')!r}, expected {VERSION}"
        )
    return contents
