"""What an observer finds in a pair, and what all of them find under a condition."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.bench.photos.photo_pairs import PhotoPair
from cns_core.observers import make_observer

RIGHT_PX = 3.0
"""A match is right within this distance of the truth."""


@dataclass(frozen=True)
class PairResult:
    """Of one observer and one pair.

    Attributes:
        picture, condition, observer, mode: which.
        matches: reported where the truth is known.
        right: within 3 px of the truth.
        error_px: median distance of the right ones to the truth, None without any.
        p90_px: 90th percentile of the same.
        ms: to answer the current image.
    """

    picture: str
    condition: str
    observer: str
    mode: str
    matches: int
    right: int
    error_px: float | None
    p90_px: float | None
    ms: float


def measure(pair: PhotoPair, observer: str, mode: str) -> PairResult:
    """Show a pair to a new observer: the desired image, then the current one, once."""
    cv2.setRNGSeed(0)
    made = make_observer(observer, pair.camera, tracking=mode == "tracked", background=False)
    try:
        made.set_desired(pair.desired)
    except ValueError:  # too little texture for this detector
        return PairResult(pair.picture, pair.condition, observer, mode, 0, 0, None, None, 0.0)
    before = time.perf_counter()
    found = made.observe(pair.current)
    ms = 1e3 * (time.perf_counter() - before)
    made.close()
    desired = pair.camera.denormalize(found.desired[found.matched])
    current = pair.camera.denormalize(found.current[found.matched])
    distance = np.linalg.norm(current - pair.truth(desired), axis=1)
    distance = distance[np.isfinite(distance)]
    right = distance[distance < RIGHT_PX]
    error, p90 = np.percentile(right, [50, 90]).tolist() if len(right) else (None, None)
    names = pair.picture, pair.condition, observer, mode
    return PairResult(*names, len(distance), len(right), error, p90, ms)


@dataclass(frozen=True)
class Row:
    """Of one observer under one condition, over all pictures.

    Attributes:
        condition, observer, mode: which.
        pairs: how many pictures.
        right: median number of right matches; ``fewest`` the smallest.
        share: of all matches that are right, None without any.
        error_px, p90_px: medians of the pairs', None without any.
        ms: median.
    """

    condition: str
    observer: str
    mode: str
    pairs: int
    right: float
    fewest: int
    share: float | None
    error_px: float | None
    p90_px: float | None
    ms: float


def summarize(results: Sequence[PairResult]) -> Row:
    """The row of results that differ in the picture only."""
    first, matches = results[0], sum(each.matches for each in results)
    names = first.condition, first.observer, first.mode
    right = [each.right for each in results]
    return Row(
        *names,
        pairs=len(results),
        right=float(np.median(right)),
        fewest=min(right),
        share=sum(right) / matches if matches else None,
        error_px=_median([each.error_px for each in results]),
        p90_px=_median([each.p90_px for each in results]),
        ms=float(np.median([each.ms for each in results])),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
