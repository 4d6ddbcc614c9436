"""The picture of the graph along an episode (Fig. 7 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.policy.keypoint_graph import build_graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Frame = tuple[np.ndarray, Correspondence]
"""A BGR image and what was matched in it."""


def draw_graphs(
    figure: Figure,
    camera: PinholeCamera,
    frames: Sequence[Frame],
    desired_image: np.ndarray,
) -> None:
    """Edges E0 and E1 on the views from first to last, and on the desired one."""
    graph = build_graph(frames[0][1].desired)
    chosen = [frames[i] for i in _milestones([c.error for _, c in frames])]
    everything = np.ones(len(graph.desired), dtype=bool)
    columns = [(image, c.current, c.matched) for image, c in chosen]
    columns.append((desired_image, graph.desired, everything))
    names = [*(f"view {i + 1}" for i in range(len(chosen))), "desired"]
    grid = figure.subplots(2, len(columns))
    centers = camera.denormalize(graph.centers)
    for (upper, lower), name, (image, points, matched) in zip(grid.T, names, columns, strict=True):
        pixels = camera.denormalize(points)
        keypoint, cluster = graph.edges0(matched)
        _draw_edges(upper, image, np.stack([pixels[keypoint], centers[cluster]], axis=1))
        upper.scatter(*pixels[matched].T, s=5, c="white", edgecolors="black", linewidths=0.3)
        _draw_edges(lower, image, centers[graph.edges1(matched).T])
        seen = graph.cluster_matched(matched)
        for axes, title in ((upper, f"{name}: E0"), (lower, "E1")):
            axes.scatter(*centers[seen].T, s=16, c="yellow", edgecolors="black", linewidths=0.4)
            axes.set_title(title, fontsize=9)


def _milestones(errors: Sequence[float]) -> list[int]:
    """Indices of four frames: the first, where the error first fell to 1/2 and 1/5, the last."""
    fell = [int(np.argmax(np.array(errors) <= part * errors[0])) for part in (0.5, 0.2)]
    return [0, *fell, len(errors) - 1]


def _draw_edges(axes: Axes, image: np.ndarray, lines: NDArray[np.float64]) -> None:
    """Lines (n, 2, 2) in pixels over the dimmed image."""
    from matplotlib.collections import LineCollection

    axes.imshow(cv2.cvtColor(image // 2, cv2.COLOR_BGR2RGB))
    axes.add_collection(LineCollection(list(lines), colors="orange", linewidths=0.5))
    axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
    axes.set_axis_off()
