"""What is left of an episode: its figures, its log and its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.record.episode_figures import draw_episode
from cns_core.twin.workcell import CAMERA
from cns_ros.sim.episode_recording import EpisodeRecording


def result_of(
    recording: EpisodeRecording, pose: NDArray[np.float64], command_rate_hz: float
) -> dict[str, float]:
    """How near the goal the camera came to rest, at the true ``pose`` (4, 4), and how fast."""
    return {
        "rotation_error_deg": se3.rotation_error_deg(recording.goal, pose),
        "translation_error_mm": 1e3 * se3.translation_error_m(recording.goal, pose),
        "steps": len(recording.log.steps),
        "rate_hz": command_rate_hz,
    }


def write_report(
    folder: Path,
    recording: EpisodeRecording,
    result: dict[str, object],
    desired_image: np.ndarray,
) -> dict[str, float]:
    """Write log and pictures into ``folder``; the figures of the log."""
    figures = recording.log.save(folder, result)
    draw_episode(folder, recording.log, CAMERA, recording.frames, desired_image, recording.goal)
    return figures


def words(figures: dict[str, float], digits: int) -> str:
    """Figures in one line."""
    return " ".join(f"{name}={value:.{digits}g}" for name, value in figures.items())
