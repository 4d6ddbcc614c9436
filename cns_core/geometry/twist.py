"""What holds for every commanded twist: six finite numbers, slow enough."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_JUST_BELOW = 1.0 - 4.0 * np.finfo(float).eps
"""So that rounding takes no speed above its limit, however it is computed from the twist."""


def require_finite(twist: ArrayLike, name: str = "twist") -> NDArray[np.float64]:
    """Return ``twist`` as a new (6,) float array.

    Raises:
        ValueError: if it does not have six elements or one of them is not a finite number.
    """
    array = np.array(twist, dtype=float)
    if array.shape != (6,):
        raise ValueError(f"{name} must have shape (6,), got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {array.tolist()}")
    return array


def saturate(twist: ArrayLike, linear_m_s: float, angular_rad_s: float) -> NDArray[np.float64]:
    """Slow a (6,) twist down to the speed limits without changing its direction.

    Both halves are scaled by one factor, so that the motion stays on the same screw and only
    becomes slower.

    Returns:
        (6,) array, ``twist`` times a factor in [0, 1].

    Raises:
        ValueError: if ``twist`` is not a finite six-vector, or a limit is negative or not finite.
    """
    twist = require_finite(twist)
    for name, limit in (("linear_m_s", linear_m_s), ("angular_rad_s", angular_rad_s)):
        if not (np.isfinite(limit) and limit >= 0):
            raise ValueError(f"{name} must be finite and not negative, got {limit!r}")
    peak = float(np.abs(twist).max())
    if peak == 0.0:
        return twist
    # The largest element becomes 1, and hypot squares nothing: huge and tiny values stay exact.
    unit = twist / peak
    factor = peak
    for part, limit in ((unit[:3], linear_m_s), (unit[3:], angular_rad_s)):
        speed = math.hypot(*part)
        if speed * factor > limit:
            factor = _JUST_BELOW * limit / speed
    return twist if factor == peak else unit * factor
