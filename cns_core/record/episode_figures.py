"""Pictures of one episode: the views, the camera's path, the curves, and the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.record.episode_log import EpisodeLog
from cns_core.record.graph_figure import Frame, draw_graphs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_AXES = ("tab:red", "tab:green", "tab:blue")


def draw_episode(
    folder: str | Path,
    log: EpisodeLog,
    camera: PinholeCamera,
    frames: Sequence[Frame],
    desired_image: np.ndarray,
    goal: NDArray[np.float64],
) -> None:
    """Write ``views.png``, ``path.png``, ``curves.png`` and ``graph.png`` into ``folder``.

    Needs matplotlib, which servoing does without. Without keypoints there is no graph.

    Args:
        log: of one step or more.
        camera: which took the images.
        frames: at least one, in the order of time.
        desired_image: (H, W, 3) uint8 BGR.
        goal: (4, 4) true camera pose at the desired image, in the frame of the log's poses.
    """
    folder = Path(folder)
    first, last = frames[0][0], frames[-1][0]
    _save(folder / "views.png", (12, 2.75), lambda f: _views(f, desired_image, first, last))
    _save(folder / "path.png", (6, 5.5), lambda f: _path(f, log.column("pose"), goal))
    _save(folder / "curves.png", (8, 7), lambda f: _curves(f, log))
    if len(frames[0][1].desired):
        graphs = folder / "graph.png"
        _save(graphs, (15, 5), lambda f: draw_graphs(f, camera, frames, desired_image))


def _save(path: Path, size_inch: tuple[float, float], draw: Callable[[Figure], None]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inch, layout="constrained")
    draw(figure)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _views(
    figure: Figure,
    desired: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
) -> None:
    """Desired, first and last view side by side, and what is left of the difference."""
    *views, rest = figure.subplots(1, 4)
    pictures = {"desired view": desired, "first view": first, "last view": last}
    for axes, (title, picture) in zip(views, pictures.items(), strict=True):
        axes.imshow(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        axes.set_title(title, fontsize=10)
    difference = 128 + 0.5 * (_grey(last) - _grey(desired))
    rest.imshow(difference, cmap="gray", vmin=0, vmax=255)
    rest.set_title("last - desired", fontsize=10)
    for axes in (*views, rest):
        axes.set_axis_off()


def _grey(image: np.ndarray) -> NDArray[np.float64]:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(float)


def _path(figure: Figure, poses: NDArray[np.float64], goal: NDArray[np.float64]) -> None:
    """The camera's way (n, 4, 4), with its axes at the start and at the goal."""
    axes = figure.add_subplot(projection="3d")
    way = poses[:, :3, 3]
    axes.plot(*way.T, color="black", linewidth=1.2, label="camera")
    straight = np.stack([way[0], goal[:3, 3]])
    axes.plot(*straight.T, "--", color="gray", linewidth=0.8, label="straight")
    size_m = 0.15 * np.ptp(np.vstack([way, goal[:3, 3]]), axis=0).max()
    for T, name in ((poses[0], "start"), (goal, "goal")):
        for direction, colour in zip(T[:3, :3].T, _AXES, strict=True):
            axes.plot(*np.stack([T[:3, 3], T[:3, 3] + size_m * direction]).T, color=colour)
        axes.text(*T[:3, 3], f" {name}")
    axes.set(xlabel="x [m]", ylabel="y [m]", zlabel="z [m]")
    axes.locator_params(nbins=4)
    axes.set_aspect("equal")
    axes.legend(fontsize=8)


def _curves(figure: Figure, log: EpisodeLog) -> None:
    """Errors on a logarithmic scale and the twist over time."""
    errors, linear, angular = figure.subplots(3, 1, sharex=True)
    time_s, twists = log.column("time_s"), log.column("twist")
    errors.semilogy(time_s, log.column("keypoint_error"), label="keypoints [normalized]")
    errors.semilogy(time_s, log.column("rotation_error_deg"), label="rotation [deg]")
    errors.semilogy(time_s, log.column("translation_error_mm"), label="translation [mm]")
    for axes, names, values, label in (
        (linear, ("vx", "vy", "vz"), twists[:, :3], "linear [m/s]"),
        (angular, ("wx", "wy", "wz"), twists[:, 3:], "angular [rad/s]"),
    ):
        for name, value, colour in zip(names, values.T, _AXES, strict=True):
            axes.plot(time_s, value, color=colour, linewidth=1, label=name)
        axes.set_ylabel(label)
    errors.set_ylabel("error")
    angular.set_xlabel("time [s]")
    for axes in (errors, linear, angular):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, ncols=3)
