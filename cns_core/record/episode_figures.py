"""Pictures of one episode: the views, the camera's path, the curves, and the graph (Fig. 7)."""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cns_core.policy.keypoint_graph import build_graph

matplotlib.use("Agg")

_AXES = ("tab:red", "tab:green", "tab:blue")


def draw_episode(folder, log, camera, frames, desired_image, poses):
    """Write ``views.png``, ``path.png``, ``curves.png`` and ``graph.png`` into ``folder``.

    Args:
        log: :class:`~cns_core.record.episode_log.EpisodeLog`.
        camera: :class:`~cns_core.geometry.camera.PinholeCamera`.
        frames: (BGR image, Correspondence) pairs in the order of time, first to last.
        desired_image: (H, W, 3) uint8 BGR.
        poses: (n, 4, 4) true camera poses in the base frame, the goal's pose last.
    """
    folder = Path(folder)
    first, last = frames[0][0], frames[-1][0]
    _save(folder / "views.png", _views(desired_image, first, last))
    _save(folder / "path.png", _path(poses))
    _save(folder / "curves.png", _curves(log))
    _save(folder / "graph.png", _graphs(camera, frames, desired_image))


def _save(path, figure):
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _views(desired, first, last):
    """Desired, first and last view side by side, and what is left of the difference."""
    figure = Figure(figsize=(12, 2.75), layout="constrained")
    difference = 128 + 0.5 * (_grey(last).astype(float) - _grey(desired).astype(float))
    pictures = [
        ("desired view", cv2.cvtColor(desired, cv2.COLOR_BGR2RGB), {}),
        ("first view", cv2.cvtColor(first, cv2.COLOR_BGR2RGB), {}),
        ("last view", cv2.cvtColor(last, cv2.COLOR_BGR2RGB), {}),
        ("last - desired", difference, {"cmap": "gray", "vmin": 0, "vmax": 255}),
    ]
    for axes, (title, picture, style) in zip(figure.subplots(1, 4), pictures, strict=True):
        axes.imshow(picture, **style)
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    return figure


def _grey(image):
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _path(poses):
    """The camera's way in the base frame, with its axes at the start and at the goal."""
    figure = Figure(figsize=(6, 5.5), layout="constrained")
    axes = figure.add_subplot(projection="3d")
    way, goal = poses[:-1, :3, 3], poses[-1, :3, 3]
    axes.plot(*way.T, color="black", linewidth=1.2, label="camera")
    axes.plot(*np.stack([way[0], goal]).T, "--", color="gray", linewidth=0.8, label="straight")
    size_m = 0.15 * np.ptp(np.vstack([way, goal]), axis=0).max()
    for T, name in ((poses[0], "start"), (poses[-1], "goal")):
        for direction, colour in zip(T[:3, :3].T, _AXES, strict=True):
            axes.plot(*np.stack([T[:3, 3], T[:3, 3] + size_m * direction]).T, color=colour)
        axes.text(*T[:3, 3], f" {name}")
    axes.set(xlabel="x [m]", ylabel="y [m]", zlabel="z [m]")
    axes.locator_params(nbins=4)
    axes.set_aspect("equal")
    axes.legend(fontsize=8)
    return figure


def _curves(log):
    """Errors on a logarithmic scale and the twist over time."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    errors, linear, angular = figure.subplots(3, 1, sharex=True)
    time_s = log.column("time_s")
    errors.semilogy(time_s, log.column("error"), label="keypoints [normalized]")
    errors.semilogy(time_s, log.column("rotation_error_deg"), label="rotation [deg]")
    errors.semilogy(time_s, log.column("translation_error_mm"), label="translation [mm]")
    for axes, names, label in (
        (linear, ("vx", "vy", "vz"), "linear [m/s]"),
        (angular, ("wx", "wy", "wz"), "angular [rad/s]"),
    ):
        for name, colour in zip(names, _AXES, strict=True):
            axes.plot(time_s, log.column(name), color=colour, linewidth=1, label=name)
        axes.set_ylabel(label)
    errors.set_ylabel("error")
    angular.set_xlabel("time [s]")
    for axes in (errors, linear, angular):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, ncols=3)
    return figure


def _graphs(camera, frames, desired_image):
    """Edges E0 and E1 on the views from first to last, and on the desired one."""
    graph = build_graph(frames[0][1].desired)
    chosen = [frames[i] for i in _milestones([c.error for _, c in frames])]
    everything = np.ones(len(graph.desired), dtype=bool)
    columns = [(image, c.current, c.matched) for image, c in chosen]
    columns.append((desired_image, graph.desired, everything))
    figure = Figure(figsize=(15, 5), layout="constrained")
    grid = figure.subplots(2, len(columns))
    centers = camera.denormalize(graph.centers)
    for (upper, lower), (image, points, matched) in zip(grid.T, columns, strict=True):
        pixels = camera.denormalize(points)
        keypoint, cluster = graph.edges0(matched)
        _draw_edges(upper, image, np.stack([pixels[keypoint], centers[cluster]], axis=1))
        upper.scatter(*pixels[matched].T, s=5, c="white", edgecolors="black", linewidths=0.3)
        _draw_edges(lower, image, centers[graph.edges1(matched).T])
        seen = graph.cluster_matched(matched)
        for axes in (upper, lower):
            axes.scatter(*centers[seen].T, s=16, c="yellow", edgecolors="black", linewidths=0.4)
    names = [*(f"view {i + 1}" for i in range(len(chosen))), "desired"]
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(f"{name}: E0", fontsize=9)
    for axes in grid[1]:
        axes.set_title("E1", fontsize=9)
    return figure


def _milestones(errors):
    """Indices of four frames: the first, where the error first fell to 1/2 and 1/5, the last."""
    fell = [int(np.argmax(np.array(errors) <= part * errors[0])) for part in (0.5, 0.2)]
    return [0, *fell, len(errors) - 1]


def _draw_edges(axes, image, lines):
    """Lines (n, 2, 2) in pixels over the dimmed image."""
    axes.imshow(cv2.cvtColor(image // 2, cv2.COLOR_BGR2RGB))
    axes.add_collection(LineCollection(lines, colors="orange", linewidths=0.5))
    axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
    axes.set_axis_off()
