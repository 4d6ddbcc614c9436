"""What the end-to-end methods are trained on: images of the one picture, and where they were taken.

Rendered once into a folder, in pieces, so that an interrupted rendering goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import joblib
import numpy as np
from numpy.typing import NDArray

from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.loop.picture import goal, trained_picture
from cns_core.bench.loop.poses import AFFINE_REACH, AFFINE_SECTION, draw_start
from cns_core.geometry import se3

HEIGHT, WIDTH = 96, 128
"""Of the grey images that the networks see."""

PIECE = 1000
"""Views of a file."""

_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Views:
    """Images and poses.

    Attributes:
        images: (N, H, W) uint8, grey.
        poses: (N, 4, 4) of the camera in the goal's frame, lengths in goal distances.
    """

    images: np.ndarray
    poses: NDArray[np.float64]

    def part(self, which: slice) -> Views:
        """Some of them."""
        return Views(self.images[which], self.poses[which])


def shrunk(image: np.ndarray) -> np.ndarray:
    """What the networks see, (H, W) uint8 grey, of an (H', W'[, 3]) uint8 BGR image."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def view_pose(index: int) -> NDArray[np.float64]:
    """(4, 4) pose of view ``index`` in the picture's frame: on the way from a start to the goal.

    Starts are drawn as in the `picture` environment and are none of its own. Half of the views lie
    anywhere on the way, half the denser the nearer to the goal.
    """
    rng = np.random.default_rng([11, index])
    start = draw_start(rng, goal(), AFFINE_SECTION["A"], AFFINE_REACH)
    share = rng.uniform() if index % 2 else np.exp(rng.uniform(np.log(_LEAST_SHARE), 0.0))
    return goal() @ se3.exp(share * se3.log(se3.inverse(goal()) @ start))


def render_piece(piece: int, size: int = PIECE) -> Views:
    """The views ``piece * size`` and on."""
    cv2.setNumThreads(1)
    picture = trained_picture()
    places = [view_pose(piece * size + n) for n in range(size)]
    images = np.stack([shrunk(picture.render(T, CAMERA)) for T in places])
    poses = np.stack([se3.inverse(goal()) @ T for T in places])
    poses[:, :3, 3] /= np.linalg.norm(goal()[:3, 3])
    return Views(images, poses)


def training_views(folder: Path, count: int, jobs: int = 1) -> tuple[Views, Views]:
    """At least ``count`` views to train on, and a file of others to judge by."""
    size = min(PIECE, count)
    views = load_or_render(folder, 1 - (-count // size), jobs, size)
    return views.part(slice(size, None)), views.part(slice(size))


def load_or_render(folder: Path, pieces: int, jobs: int = 1, size: int = PIECE) -> Views:
    """All views of ``pieces`` files in ``folder``; what is missing is rendered first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"views-{size}-{piece:03d}.npz" for piece in range(pieces)]
    missing = [(piece, path) for piece, path in enumerate(paths) if not path.is_file()]
    if missing:
        print(f"rendering {len(missing) * size} views into {folder}", flush=True)
    joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_render_into)(piece, path, size) for piece, path in missing
    )
    return _joined(_read(path) for path in paths)


def _render_into(piece: int, path: Path, size: int) -> None:
    views = render_piece(piece, size)
    # Beside it first, under a name of this process: a crash leaves no half file.
    partial = path.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(partial, images=views.images, poses=views.poses)
    partial.replace(path)


def _read(path: Path) -> Views:
    with np.load(path) as file:
        return Views(file["images"], file["poses"])


def _joined(parts: Iterator[Views]) -> Views:
    held = list(parts)
    return Views(
        np.concatenate([views.images for views in held]),
        np.concatenate([views.poses for views in held]),
    )
