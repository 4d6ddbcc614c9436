"""Where the age of the image behind a twist comes from, and how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Mapping

import cv2
import numpy as np

from cns_core.observers.sift import Sift

_TIMES = 5


def stages_ms(diagnosed: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """Medians of the stages of an image's way to a twist, in ms, in their order.

    Args:
        diagnosed: what observer and controller said on ``/diagnostics``, by name.

    Returns:
        ``to_observer`` (exposure, transport, waiting), ``observe``, ``to_controller`` (transport,
        waiting) and ``control``; empty while a node has not told all of its own.
    """
    try:
        observer, controller = diagnosed["observer"], diagnosed["controller"]
        arrived, observe = (float(observer[f"{name}_p50"]) for name in ("arrival_ms", "observe_ms"))
        matched, control = (
            float(controller[f"{name}_p50"]) for name in ("arrival_ms", "control_ms")
        )
    except KeyError:
        return {}
    between = max(matched - arrived - observe, 0.0)
    return {
        "to_observer": arrived,
        "observe": observe,
        "to_controller": between,
        "control": control,
    }


def yardstick_ms(image: np.ndarray) -> float:
    """Processor time that plain SIFT takes for an (H, W, 3) or (H, W) image, in ms.

    On one core, the least of some times: what else the machine does counts for little.
    """
    detector, grey = Sift(), image if image.ndim == 2 else image[..., 1].copy()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    taken = []
    for _ in range(_TIMES):
        before = time.thread_time()
        detector.detect(grey)
        taken.append(time.thread_time() - before)
    cv2.setNumThreads(threads)
    return 1e3 * min(taken)


def stages_in_words(stages: Mapping[str, float], sift_ms: float) -> str:
    """Both in one line."""
    told = ", ".join(f"{name} {ms:.0f}" for name, ms in stages.items()) or "unknown"
    return f"median ms of an image's way: {told}; plain SIFT of one image {sift_ms:.0f} ms here"
