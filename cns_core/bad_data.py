"""What our checks, NumPy, SciPy and OpenCV raise over data, and the one line that says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

BAD_DATA = (ValueError, ArithmeticError, MemoryError, cv2.error)
"""Over bad data: our own checks, NumPy and SciPy (ValueError, overflows), sizes, OpenCV."""

_LONGEST = 300


def reason_of(error: BaseException) -> str:
    """What an exception says, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, cv2.error):
        return f"OpenCV cannot work on it: {text[:_LONGEST]}"
    return text or type(error).__name__


@contextmanager
def as_value_error(what: str) -> Iterator[None]:
    """Turn what is raised over data within the block into a ValueError that begins with ``what``.

    Raises:
        ValueError: for anything of ``BAD_DATA``.
    """
    try:
        yield
    except BAD_DATA as error:
        raise ValueError(f"{what}: {reason_of(error)}") from error
