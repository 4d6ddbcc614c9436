"""What happened in one episode, twist by twist, as CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cns_core.record.step_record import StepRecord, column


@dataclass
class EpisodeLog:
    """The steps of an episode and its settings, growing while it runs.

    Attributes:
        settings: what was asked for, for ``episode.json``.
        steps: one record for each twist of the controller.
        images: how many images the camera published meanwhile, how many of them were observed, and
            how many were lost on the way.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    steps: list[StepRecord] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)

    def column(self, name: str) -> NDArray[np.float64]:
        """One field of all steps as an array, the steps its first dimension."""
        return column(self.steps, name)

    def rate_hz(self) -> float:
        """Twists a second over the whole episode; 0 with fewer than two."""
        if len(self.steps) < 2:
            return 0.0
        return (len(self.steps) - 1) / (self.steps[-1].time_s - self.steps[0].time_s)

    def motion_s(self) -> float:
        """From the last step at which the camera was still at its start to the last one, in s."""
        if not self.steps:
            return 0.0
        start = self.steps[0].pose
        still = (np.abs(step.pose - start).max() < _STILL for step in self.steps)
        begins = max(sum(takewhile(bool, still)) - 1, 0)
        return self.steps[-1].time_s - self.steps[begins].time_s

    def save(self, folder: str | Path, result: Mapping[str, object]) -> dict[str, float]:
        """Write ``episode.csv`` (steps) and ``episode.json`` (settings, result, figures).

        Returns:
            The figures that were written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "episode.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(map(_row, self.steps))
        figures = self._figures()
        content = {"settings": self.settings, "result": dict(result), "figures": figures}
        text = json.dumps(content, indent=2)
        (folder / "episode.json").write_text(text + "\n", encoding="utf-8")
        return figures

    def _figures(self) -> dict[str, float]:
        if not self.steps:
            return {}
        p50, p99 = np.nanpercentile(self.column("image_age_s"), [50, 99])
        start, end = self.steps[0], self.steps[-1]
        return {
            "duration_s": end.time_s - start.time_s,
            "motion_s": self.motion_s(),
            "twists": len(self.steps),
            "twist_rate_hz": self.rate_hz(),
            "image_age_s_p50": float(p50),
            "image_age_s_p99": float(p99),
            **{f"images_{name}": count for name, count in self.images.items()},
            "initial_rotation_error_deg": start.rotation_error_deg,
            "initial_translation_error_mm": start.translation_error_mm,
        }


_STILL = 1e-5
"""In m and in entries of the rotation matrix."""

_HEADER = (
    *("time_s", "vx", "vy", "vz", "wx", "wy", "wz", "error", "matched", "image_age_s"),
    *("rotation_error_deg", "translation_error_mm", "x_m", "y_m", "z_m"),
)


def _row(step: StepRecord) -> list[float]:
    """The values of one line below ``_HEADER``."""
    return [
        *(step.time_s, *step.twist.tolist(), step.keypoint_error, step.matched, step.image_age_s),
        *(step.rotation_error_deg, step.translation_error_mm, *step.position_m.tolist()),
    ]
