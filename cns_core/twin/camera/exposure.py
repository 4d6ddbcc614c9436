"""Automatic exposure and gain: they follow the brightness, some frames late."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from cns_core.twin.camera.model import CameraModel

TARGET = 0.18
"""Mean light of an image over that at which the converter is full: the photographer's grey."""

_DAMPING, _TOLERANCE, _LARGEST_STEP = 0.3, 0.08, 0.7
"""Share of the error (of its logarithm) mended each frame, error that is left alone, largest step.
"""
_LAG_FRAMES = 2
"""Frames from when a setting is written to the sensor to the image taken with it."""
_SHORTEST_S = 1e-4


@dataclass(frozen=True)
class Exposure:
    """How one image is taken: time in s, and analog gain."""

    time_s: float
    gain: float

    @property
    def total(self) -> float:
        """Brightness of the image but for the light."""
        return self.time_s * self.gain


class AutoExposure:
    """Settings of the images of one camera, one after another.

    Args:
        model: where they begin and what they may be; fixed without ``auto_exposure``.
    """

    def __init__(self, model: CameraModel) -> None:
        self._model = model
        first = Exposure(model.exposure_s, model.gain)
        self._coming: deque[Exposure] = deque([first] * (_LAG_FRAMES + 1))

    @property
    def now(self) -> Exposure:
        """Of the image that is taken next."""
        return self._coming[0]

    def measured(self, level: float) -> None:
        """Take the mean ``level`` of the image just taken, over the converter's full scale."""
        if not self._model.auto_exposure:
            return
        taken, last = self._coming[0], self._coming[-1]
        # What is already on its way to the sensor has not been seen yet: go by what will be.
        pending = last.total / taken.total
        error = math.log(TARGET / max(level, 1e-4) / pending)
        step = 0.0
        if abs(error) > _TOLERANCE:
            step = min(max(_DAMPING * error, -_LARGEST_STEP), _LARGEST_STEP)
        self._coming.popleft()
        self._coming.append(self._split(last.total * math.exp(step)))

    def _split(self, total: float) -> Exposure:
        """Time before gain, for the sake of the noise."""
        model = self._model
        time_s = min(max(total, _SHORTEST_S), model.max_exposure_s)
        return Exposure(time_s, min(max(total / time_s, 1.0), model.max_gain))
