"""How long after an image the camera moves as its answer tells, measured from the motion itself."""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.structure.commands import Commands

_LAGS_S = np.arange(0.0, 0.61, 0.02)
_KEEP = 0.98
_LARGEST_MISFIT = 0.2
"""Unexplained share of the motion's energy up to which a delay counts as measured."""
_LEAST_CONTRAST = 0.1
"""How much worse the worst delay must be: in steady motion all are alike."""
_STILL = 1e-3
"""Motion between two frames up to which the arm has not begun to obey."""
_DISTANCE_M = 0.3
"""Makes metres comparable with radians."""


class DelayMeter:
    """Finds the delay at which the commands given explain the motion measured.

    Attributes:
        delay_s: the delay as last measured; None until the motion has told.

    Args:
        commands: where they are noted.
    """

    def __init__(self, commands: Commands) -> None:
        self.delay_s: float | None = None
        self._commands = commands
        self._last: tuple[float, np.ndarray] | None = None
        self._misfit = np.zeros(len(_LAGS_S))
        self._energy = 0.0
        self._moves_since_s: float | None = None

    def measure(self, time_s: float, T_odom_camera: np.ndarray) -> None:
        """Note the (4, 4) pose measured at ``time_s``."""
        last, self._last = self._last, (time_s, T_odom_camera)
        if last is None or not len(self._commands) or time_s <= last[0]:
            return
        moved = se3.log(se3.inverse(last[1]) @ T_odom_camera)
        weight = np.repeat([1.0 / _DISTANCE_M, 1.0], 3)
        if self._moves_since_s is None and np.linalg.norm(weight * moved) > _STILL:
            self._moves_since_s = last[0]
        # What was told before the arm was allowed to move was never obeyed, and tells no delay.
        if self._moves_since_s is None or last[0] - _LAGS_S[-1] < self._moves_since_s:
            return
        told = self._commands.told(last[0] - _LAGS_S, time_s - _LAGS_S)
        misfit = np.sum((weight * (told - moved)) ** 2, axis=1)
        self._misfit = _KEEP * self._misfit + misfit
        self._energy = _KEEP * self._energy + float(np.sum((weight * moved) ** 2))
        self._decide()

    def _decide(self) -> None:
        """Steady motion tells nothing new."""
        if self._energy <= 0.0:
            return
        misfit = self._misfit / self._energy
        best = int(np.argmin(misfit))
        if misfit[best] < _LARGEST_MISFIT and np.ptp(misfit) > _LEAST_CONTRAST:
            self.delay_s = float(_LAGS_S[best])
