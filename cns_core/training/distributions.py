"""Pictures of the training data: ``python -m cns_core.training.distributions``."""

import argparse

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cns_core.simulation.draw import Draw
from cns_core.simulation.simulator import Simulator
from cns_core.simulation.tensor_se3 import relative, rotation_log
from cns_core.training.settings import load_settings


def draw_scenes(simulator, path, count=8):
    """Desired keypoints by cluster (above) and what a first frame shows of them (below)."""
    current, matched = simulator.observe()
    wrong = simulator.key.partner != _own(simulator)
    figure, axes = _figure(2, count, (2.6 * count, 4.6))
    for i in range(count):
        mine = simulator.key.env == i
        half = simulator.env.half_extent[i]
        desired, seen = simulator.key.desired[mine], matched[mine]
        axes[0, i].scatter(*desired.T, c=simulator.key.cluster[mine] % 20, cmap="tab20", s=6)
        axes[0, i].set_title(f"{len(desired)} keypoints, {simulator.env.clusters[i]} clusters")
        now, bad = current[mine][seen], wrong[mine][seen]
        axes[1, i].scatter(*now[~bad].T, s=6, c="tab:green")
        axes[1, i].scatter(*now[bad].T, s=10, c="tab:red", marker="x")
        axes[1, i].set_title(f"{int(seen.sum())} matched, {int(bad.sum())} lasting mismatches")
        for axis in axes[:, i]:
            axis.set(xlim=(-half[0], half[0]), ylim=(half[1], -half[1]), aspect="equal")
            axis.tick_params(labelsize=6)
            axis.title.set_fontsize(7)
    figure.savefig(path, dpi=90)


def draw_histograms(simulator, path, steps=60):
    """Distributions over environments, at the start and along the supervisor's way."""
    e = simulator.env
    R, t = relative(e.R_goal, e.t_goal, e.R, e.t)
    rotvec = rotation_log(R)
    shares = []
    for _ in range(steps):
        matched = simulator.observe()[1]
        seen = torch.bincount(simulator.key.env[matched], minlength=len(e.age))
        shares.append(seen / simulator.env.points)
        supervision = simulator.supervision()
        simulator.advance(supervision, supervision)
    shares = torch.stack(shares)
    panels = {
        "keypoints a scene": e.points,
        "clusters a scene": e.clusters,
        "initial rotation error (deg)": rotvec.norm(dim=-1).rad2deg(),
        "turn about the optical axis (deg)": rotvec[:, 2].rad2deg(),
        "initial translation error / distance": t.norm(dim=-1) / e.distance,
        "extent of the keypoints": e.extent.flatten(),
        "share of keypoints matched": shares.flatten(),
        "share of mismatches": e.lasting + e.fleeting,
        "change of the share matched in 1 s": (shares[25:] - shares[:-25]).flatten(),
    }
    figure, axes = _figure(3, 3, (11, 8))
    for axis, (title, values) in zip(axes.flat, panels.items(), strict=True):
        axis.hist(values.float().numpy(), bins=40)
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=80)


def _own(simulator):
    """Each keypoint's own number within its environment."""
    points = simulator.env.points
    first = (points.cumsum(0) - points)[simulator.key.env]
    return torch.arange(len(first)) - first


def _figure(rows, columns, size):
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def main(argv=None):
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config/train.yaml")
    parser.add_argument("--environments", type=int, default=2000)
    parser.add_argument("--out", default="runs", help="folder, must exist")
    args = parser.parse_args(argv)
    settings = load_settings(args.config)
    simulator = Simulator(settings, Draw(0))
    points = settings.curriculum[-1].points
    simulator.reset(args.environments, points)
    draw_histograms(simulator, f"{args.out}/distributions.png")
    simulator.reset(8, points)
    draw_scenes(simulator, f"{args.out}/scenes.png")


if __name__ == "__main__":
    main()
