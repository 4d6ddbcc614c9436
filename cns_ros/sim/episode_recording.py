"""What is kept of an episode while it runs: a record of each twist, and views along the way."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.correspondence import Correspondence
from cns_core.record.episode_log import EpisodeLog
from cns_core.record.graph_figure import Frame
from cns_core.record.step_record import StepRecord
from cns_ros.sim.image_count import ImageCount

_FRAME_EVERY_S = 0.5


class EpisodeRecording:
    """Records an episode towards a goal from when it is made until :meth:`stop`.

    Args:
        goal: (4, 4) true camera pose at the desired image, in m.

    Attributes:
        goal: the same.
        log: one record for each twist.
        frames: BGR images and what was matched in them, every half second.
    """

    def __init__(self, goal: NDArray[np.float64]) -> None:
        self.goal = goal
        self.log = EpisodeLog()
        self.frames: list[Frame] = []
        self._images = ImageCount()
        self._began_s = time.monotonic()
        self._aged = 0
        self._stopped = False

    def stop(self) -> None:
        """Record no more steps."""
        self._stopped = True

    def finish(self, image: np.ndarray, correspondence: Correspondence) -> None:
        """Stop with a last view, once the camera stands still."""
        self.stop()
        self.frames.append((image, correspondence))
        self.log.images = self._images.totals()

    @property
    def newest(self) -> StepRecord | None:
        """The last step whose image's age is known, or the first; None before that."""
        return self.log.steps[max(self._aged - 1, 0)] if self.log.steps else None

    def publish(self, stamp_ns: int) -> None:
        """The camera published an image."""
        if not self._stopped:
            self._images.publish(stamp_ns)

    def observe(self, stamp_ns: int, image: np.ndarray, correspondence: Correspondence) -> None:
        """The observer answered an image."""
        if self._stopped:
            return
        self._images.observe(stamp_ns)
        if self._elapsed_s() >= _FRAME_EVERY_S * len(self.frames):
            self.frames.append((image, correspondence))

    def command(
        self,
        twist: NDArray[np.float64],
        correspondence: Correspondence,
        pose: NDArray[np.float64],
    ) -> None:
        """The controller gave a twist (6,) while the camera was at ``pose`` (4, 4)."""
        if self._stopped:
            return
        self.log.steps.append(
            StepRecord.towards(
                self.goal,
                pose,
                self._elapsed_s(),
                twist=twist,
                keypoint_error=correspondence.error,
                matched=correspondence.count,
            )
        )

    def note_age(self, age_s: float) -> None:
        """The controller tells after each twist how old the image behind it was."""
        if self._aged < len(self.log.steps):
            self.log.steps[self._aged] = replace(self.log.steps[self._aged], image_age_s=age_s)
            self._aged += 1

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s
