"""One view of a photograph, in bad light or not sharp, shown again and again."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.observers.video import Video
from cns_core.observers import make_observer

_FRAME, _REPEATED = 40, 20
_NOISE, _TRUE_PX = 2.0, 3.0
DEGRADED: dict[str, dict[str, float]] = {
    "as it is": {},
    "light x0.25": {"light": 0.25},
    "light x0.1": {"light": 0.1},
    "light x3": {"light": 3.0},
    "gamma 2.2": {"gamma": 2.2},
    "defocus 2 px": {"defocus_px": 2.0},
    "defocus 4 px": {"defocus_px": 4.0},
    "defocus 6 px": {"defocus_px": 6.0},
    "motion 9 px": {"motion_px": 9.0},
    "motion 21 px": {"motion_px": 21.0},
    "JPEG 10": {"jpeg": 10.0},
}
"""What is wrong with the view, by name; the desired image is as it is."""
_COLUMNS = {
    "condition": "condition",
    "seed": "seed",
    "first_right": "right, first",
    "first_px": "px",
    "last_right": "right, 20th",
    "last_wrong": "wrong, 20th",
    "last_px": "px, 20th",
}


def degrade(
    image: np.ndarray,
    rng: np.random.Generator,
    light: float = 1.0,
    gamma: float = 1.0,
    defocus_px: float = 0.0,
    motion_px: float = 0.0,
    jpeg: float = 0.0,
) -> np.ndarray:
    """A (H, W, 3) uint8 image taken badly, noise included."""
    view: np.ndarray = image.astype(np.float32)
    if defocus_px:
        n = int(np.ceil(defocus_px)) + 1
        y, x = np.mgrid[-n : n + 1, -n : n + 1]
        disc = np.clip(defocus_px + 0.5 - np.hypot(x, y), 0.0, 1.0)
        view = cv2.filter2D(view, -1, disc / disc.sum())
    if motion_px:
        view = cv2.blur(view, (int(motion_px), 1))
    view = 255.0 * (light * view / 255.0) ** gamma + rng.normal(0.0, _NOISE, view.shape)
    taken = np.clip(np.rint(view), 0, 255).astype(np.uint8)
    if not jpeg:
        return taken
    coded = cv2.imencode(".jpg", taken, [cv2.IMWRITE_JPEG_QUALITY, int(jpeg)])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def show(seed: int, name: str, condition: str) -> dict[str, Any]:
    """A row: what the tracking observer finds at first and in the end."""
    video, rng = Video(seed, noise=0.0), np.random.default_rng([seed, 18])
    image = video.image(_FRAME)
    observer = make_observer(name, CAMERA, tracking=True, background=False)
    observer.set_desired(degrade(video.desired_image, rng))
    errors = []
    for _ in range(_REPEATED):
        found = observer.observe(degrade(image, rng, **DEGRADED[condition]))
        seen = found.matched
        desired, current = (CAMERA.denormalize(p[seen]) for p in (found.desired, found.current))
        errors.append(video.errors_px(_FRAME, desired, current))
    observer.close()
    row: dict[str, Any] = {"condition": condition, "seed": seed, "observer": name}
    for key, gap in (("first", errors[0]), ("last", errors[-1])):
        right = gap < _TRUE_PX
        row |= {f"{key}_right": int(right.sum()), f"{key}_wrong": int((~right).sum())}
        row[f"{key}_px"] = round(float(np.median(gap)), 3) if len(gap) else None
    return row


def degraded_head() -> str:
    """The two lines above the rows."""
    return f"| {' | '.join(_COLUMNS.values())} |\n|---|{'--:|' * (len(_COLUMNS) - 1)}"


def degraded_line(row: dict[str, Any]) -> str:
    """One row of :func:`show`."""
    cells = (row[key] for key in _COLUMNS)
    return f"| {' | '.join('-' if cell is None else str(cell) for cell in cells)} |"
