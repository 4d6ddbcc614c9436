"""Pictures of the training data: ``python -m cns_core.training.distributions``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from cns_core.simulation.batch import Batch
from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.simulation.tensor_se3 import relative, rotation_log
from cns_core.training.settings import load_settings

FRAMES_PER_S = 25


def draw_scenes(simulator: Simulator, batch: Batch, path: str | Path) -> None:
    """Desired keypoints by cluster (above) and what a first frame shows of them (below)."""
    batch, seen = simulator.observe(batch)
    wrong = batch.keypoints.partner != batch.own
    figure, axes = _figure(2, len(batch), (2.6 * len(batch), 4.6))
    for i in range(len(batch)):
        mine = batch.keypoints.env == i
        half = batch.environments.half_extent[i]
        desired, matched = batch.keypoints.desired[mine], seen.matched[mine]
        axes[0, i].scatter(*desired.T, c=batch.keypoints.cluster[mine] % 20, cmap="tab20", s=6)
        clusters = batch.environments.clusters[i]
        axes[0, i].set_title(f"{len(desired)} keypoints, {clusters} clusters")
        now, bad = seen.current[mine][matched], wrong[mine][matched]
        axes[1, i].scatter(*now[~bad].T, s=6, c="tab:green")
        axes[1, i].scatter(*now[bad].T, s=10, c="tab:red", marker="x")
        axes[1, i].set_title(f"{int(matched.sum())} matched, {int(bad.sum())} lasting mismatches")
        for axis in axes[:, i]:
            _frame(axis, half)
    figure.savefig(path, dpi=90)


def _frame(axis: Axes, half_extent: Tensor) -> None:
    """Make an axis show the image of (2,) half width and height."""
    x, y = half_extent.tolist()
    axis.set(xlim=(-x, x), ylim=(y, -y), aspect="equal")
    axis.tick_params(labelsize=6)
    axis.title.set_fontsize(7)


def draw_histograms(simulator: Simulator, batch: Batch, path: str | Path, steps: int = 60) -> None:
    """Distributions over environments, at the start and along the supervisor's way."""
    e = batch.environments
    R, t = relative(e.R_goal, e.t_goal, e.R, e.t)
    rotvec = rotation_log(R)
    matched = _matched_shares(simulator, batch, steps)
    change = matched[FRAMES_PER_S:] - matched[:-FRAMES_PER_S]
    panels = {
        "keypoints a scene": e.points,
        "clusters a scene": e.clusters,
        "initial rotation error (deg)": rotvec.norm(dim=-1).rad2deg(),
        "turn about the optical axis (deg)": rotvec[:, 2].rad2deg(),
        "initial translation error / distance": t.norm(dim=-1) / e.distance,
        "extent of the keypoints": e.extent.flatten(),
        "share of keypoints matched": matched.flatten(),
        "share of mismatches": e.lasting + e.fleeting,
        "change of the share matched in 1 s": change.flatten(),
    }
    figure, axes = _figure(3, 3, (11, 8))
    for axis, (title, values) in zip(axes.flat, panels.items(), strict=True):
        axis.hist(values.float().numpy(), bins=40)
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=80)


def _matched_shares(simulator: Simulator, batch: Batch, steps: int) -> Tensor:
    """(steps, B) shares of the keypoints matched while the supervisor drives."""
    shares = []
    for _ in range(steps):
        batch, seen = simulator.observe(batch)
        count = torch.bincount(batch.keypoints.env[seen.matched], minlength=len(batch))
        shares.append(count / batch.environments.points)
        supervision = simulator.supervision(batch)
        batch = simulator.advance(batch, supervision, supervision)
    return torch.stack(shares)


def _figure(
    rows: int, columns: int, size: tuple[float, float]
) -> tuple[Figure, NDArray[np.object_]]:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config/train.yaml")
    parser.add_argument("--environments", type=int, default=2000)
    parser.add_argument("--out", default="runs", help="folder, must exist")
    args = parser.parse_args(argv)
    settings = load_settings(args.config)
    simulator = Simulator(settings.simulation, Draw(0))
    points = settings.curriculum[-1].points
    histograms = simulator.fresh(args.environments, points)
    draw_histograms(simulator, histograms, f"{args.out}/distributions.png")
    draw_scenes(simulator, simulator.fresh(8, points), f"{args.out}/scenes.png")


if __name__ == "__main__":
    main()
