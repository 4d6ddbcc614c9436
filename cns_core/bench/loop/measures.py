"""Metrics of one episode, and the interval of a share of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cns_core.simulation.success import PAPER_GATE

STRICT_GATE = (0.3, 1.0)
"""What a robot that assembles things would call success."""
COARSE_MM = 10.0
"""Where the way to the goal is as good as done, and the last millimetres begin."""


def measure(trace: Mapping[str, np.ndarray], dt_s: float) -> dict[str, Any]:
    """Metrics of an episode.

    Args:
        trace: arrays by name, one value a frame; see :mod:`cns_core.bench.loop.episode`.
        dt_s: time step.

    Returns:
        dict of plain numbers: initial and final errors; success at both gates; steps;
        ``path_ratio``, path length over the straight line; ``jerk_rms`` in m/s^3;
        ``image_error_ratio``, largest keypoint error over the first; ``time_to_1mm_s`` and
        ``time_to_10mm_s`` from which the error stays below 1 and 10 mm (None if never); mean, and
        99th percentile, times a frame.
    """
    rotation, translation = trace["rotation_error_deg"], trace["translation_error_mm"]
    final = float(rotation[-1]), float(translation[-1])
    frame_ms = np.nansum([trace["observe_ms"], trace["control_ms"]], axis=0)
    return {
        "initial_rotation_deg": float(rotation[0]),
        "initial_translation_mm": float(translation[0]),
        "rotation_error_deg": final[0],
        "translation_error_mm": final[1],
        "success": _within(final, PAPER_GATE),
        "strict_success": _within(final, STRICT_GATE),
        "steps": round(float(trace["time_s"][-1]) / dt_s),
        "path_ratio": _path_ratio(trace["position_m"]),
        "jerk_rms": _jerk_rms(trace["position_m"], dt_s),
        "image_error_ratio": _image_error_ratio(trace["keypoint_error"]),
        "time_to_1mm_s": _settled(trace["time_s"], translation < STRICT_GATE[1]),
        "time_to_10mm_s": _settled(trace["time_s"], translation < COARSE_MM),
        "observe_ms": _mean(trace["observe_ms"]),
        "control_ms": _mean(trace["control_ms"]),
        "graph_ms": float(np.nansum(trace["graph_ms"])),
        "frame_ms_p99": float(np.percentile(frame_ms, 99)),
    }


def _within(errors: tuple[float, float], gate: tuple[float, float]) -> bool:
    return bool(errors[0] < gate[0] and errors[1] < gate[1])


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else 0.0


def _path_ratio(positions: np.ndarray) -> float:
    length = np.linalg.norm(np.diff(positions, axis=0), axis=1).sum()
    straight = np.linalg.norm(positions[-1] - positions[0])
    return float(length / straight) if straight > 1e-6 else 1.0


def _jerk_rms(positions: np.ndarray, dt_s: float) -> float:
    if len(positions) < 4:
        return 0.0
    jerk = np.diff(positions, n=3, axis=0) / dt_s**3
    return float(np.sqrt((jerk**2).sum(axis=1).mean()))


def _image_error_ratio(errors: np.ndarray) -> float:
    seen = errors[np.isfinite(errors)]
    return float(seen.max() / seen[0]) if len(seen) and seen[0] > 0 else 1.0


def _settled(times: np.ndarray, fine: np.ndarray) -> float | None:
    """Time from which on ``fine`` holds to the end, or None."""
    if not fine[-1]:
        return None
    bad = np.flatnonzero(~fine)
    return float(times[bad[-1] + 1] if len(bad) else times[0])


def wilson(successes: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson, JASA 1927); (0, 1) without any trial.

    Raises:
        ValueError: unless ``0 <= successes <= count``.
    """
    if not 0 <= successes <= count:
        raise ValueError(f"need 0 <= successes <= count, got {successes} of {count}")
    if not count:
        return 0.0, 1.0
    share = successes / count
    centre = share + z**2 / (2 * count)
    half_width = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return float(max((centre - half_width) / scale, 0.0)), float(
        min((centre + half_width) / scale, 1.0)
    )
