"""What OpenCV and NumPy raise on bad data, as the ValueError that callers expect of bad data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np


@contextmanager
def as_value_error(what: str) -> Iterator[None]:
    """Turn errors of the libraries within the block into a ValueError that begins with ``what``.

    Raises:
        ValueError: for ``cv2.error``, ``LinAlgError`` and arithmetic errors.
    """
    try:
        yield
    except (cv2.error, np.linalg.LinAlgError, ArithmeticError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{what}: {reason}") from error
