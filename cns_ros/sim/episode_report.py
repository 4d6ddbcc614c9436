"""What is left of an episode: its figures, its log and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.record.episode_figures import draw_episode
from cns_core.twin.workcell import CAMERA
from cns_ros.sim.episode_recording import EpisodeRecording

_VERDICT = ("remaining_mm", "remaining_mm_bound", "remaining_deg", "remaining_deg_bound")


def result_of(
    recording: EpisodeRecording, pose: NDArray[np.float64], command_rate_hz: float
) -> dict[str, float]:
    """How near the goal the camera came to rest, at the true ``pose`` (4, 4), and how fast."""
    return {
        "rotation_error_deg": se3.rotation_error_deg(recording.goal, pose),
        "translation_error_mm": 1e3 * se3.translation_error_m(recording.goal, pose),
        "steps": len(recording.log.steps),
        "motion_s": recording.log.motion_s(),
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


def verdict_of(told: Mapping[str, str]) -> dict[str, float]:
    """What the controller's last status says is left, and the 95 % bounds; empty if it does not."""
    return {name: float(told[name]) for name in _VERDICT if name in told}


def verdict_in_words(told: Mapping[str, str], result: Mapping[str, float]) -> str:
    """The controller's verdict beside the truth, and what it rests on."""
    prior = "not used"
    if "depth_prior_m" in told:
        prior = f"{float(told['depth_prior_m']):.3f} m ({told['depth_prior_source']})"
    basis = f"odometry {told.get('odometry', 'none')}, depth prior {prior}"
    verdict = verdict_of(told)
    if len(verdict) < len(_VERDICT):
        return f"no verdict on what is left; {basis}"
    left_mm, bound_mm, left_deg, bound_deg = (verdict[name] for name in _VERDICT)
    return (
        f"verdict {left_mm:.3f} mm left +- {bound_mm:.3f} mm (95 %), truly "
        f"{result['translation_error_mm']:.3f} mm; {left_deg:.4f} deg +- {bound_deg:.4f} deg, "
        f"truly {result['rotation_error_deg']:.4f} deg; {basis}"
    )


def words(figures: dict[str, float], digits: int) -> str:
    """Figures in one line."""
    return " ".join(f"{name}={value:.{digits}g}" for name, value in figures.items())
