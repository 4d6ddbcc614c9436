"""What happened in one episode, twist by twist, as CSV and JSON."""

import csv
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One twist of the controller and what was known when it was given.

    ``error`` is the mean keypoint error in the normalized plane; ``image_age_s`` the time from the
    exposure of the image behind the twist to its publication, NaN where unknown. The pose errors
    and the camera's position (base frame, m) are ground truth.
    """

    time_s: float
    vx: float
    vy: float
    vz: float
    wx: float
    wy: float
    wz: float
    error: float
    matched: int
    image_age_s: float
    rotation_error_deg: float
    translation_error_mm: float
    x_m: float
    y_m: float
    z_m: float


@dataclass
class EpisodeLog:
    """The samples of an episode and its settings, growing while it runs.

    Attributes:
        images: how many images the camera published meanwhile, how many of them were observed, and
            how many were lost on the way.
    """

    settings: dict = field(default_factory=dict)
    samples: list = field(default_factory=list)
    images: dict = field(default_factory=dict)

    def column(self, name):
        """(len,) array of one field of all samples."""
        return np.array([getattr(sample, name) for sample in self.samples], dtype=float)

    def rate_hz(self):
        """Twists a second over the whole episode; 0 with fewer than two."""
        if len(self.samples) < 2:
            return 0.0
        return (len(self.samples) - 1) / (self.samples[-1].time_s - self.samples[0].time_s)

    def save(self, folder, result):
        """Write ``episode.csv`` (samples) and ``episode.json`` (settings, result, figures).

        Returns:
            The figures that were written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "episode.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Sample)])
            writer.writeheader()
            writer.writerows(asdict(sample) for sample in self.samples)
        figures = self._figures()
        content = {"settings": self.settings, "result": result, "figures": figures}
        text = json.dumps(content, indent=2)
        (folder / "episode.json").write_text(text + "\n", encoding="utf-8")
        return figures

    def _figures(self):
        if not self.samples:
            return {}
        p50, p99 = np.nanpercentile(self.column("image_age_s"), [50, 99])
        start, end = self.samples[0], self.samples[-1]
        return {
            "duration_s": end.time_s - start.time_s,
            "twists": len(self.samples),
            "twist_rate_hz": self.rate_hz(),
            "image_age_s_p50": float(p50),
            "image_age_s_p99": float(p99),
            **{f"images_{name}": count for name, count in self.images.items()},
            "initial_rotation_error_deg": start.rotation_error_deg,
            "initial_translation_error_mm": start.translation_error_mm,
        }
