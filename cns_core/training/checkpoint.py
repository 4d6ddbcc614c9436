"""Checkpoints that a run can be resumed from, written in one piece."""

import os
from pathlib import Path

import torch

VERSION = 1


def save(path, **contents):
    """Write tensors and plain data to ``path``; a crash leaves the old file whole."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        torch.save({"version": VERSION, **contents}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load(path, device="cpu"):
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
