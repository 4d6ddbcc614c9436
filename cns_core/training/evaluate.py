"""Closed loop on projected points: fixed scenes in three sections by initial rotation.

``python -m cns_core.training.evaluate --weights A B`` compares weights on the same scenes.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import torch

from cns_core.policy.weights import default_weights
from cns_core.simulation.clustering import affinity_propagation, every_keypoint
from cns_core.simulation.evaluation_scenes import evaluation_settings
from cns_core.simulation.settings import SimulationSettings
from cns_core.training.closed_loop import SEED, Result, evaluate
from cns_core.training.network.cns_network import CnsNetwork
from cns_core.training.weights import load_network


@dataclass(frozen=True)
class Scenes:
    """What policies are judged on.

    Attributes:
        mismatches: shares of wrong matches, a table each.
        priors: assumed over true distance, a table each.
        episodes, steps: how many, and of how many frames.
        points: fewest and most keypoints of a scene.
        seed: of the scenes.
    """

    mismatches: Sequence[float] = (0.0, 0.1)
    priors: Sequence[float] = (1.0,)
    episodes: int = 150
    steps: int = 300
    points: tuple[int, int] = (64, 512)
    seed: int = SEED


def add_scene_arguments(parser: argparse.ArgumentParser) -> None:
    """What the scenes are, for every command that evaluates."""
    usual = Scenes()
    parser.add_argument(
        "--mismatches", type=float, nargs="+", default=usual.mismatches, help="shares"
    )
    parser.add_argument(
        "--priors", type=float, nargs="+", default=usual.priors, help="assumed over true"
    )
    parser.add_argument("--episodes", type=int, default=usual.episodes)
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--points", type=int, nargs=2, default=usual.points, help="of a scene")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the scenes")


def scenes_of(args: argparse.Namespace) -> Scenes:
    """The scenes that the arguments ask for."""
    return Scenes(
        args.mismatches, args.priors, args.episodes, args.steps, tuple(args.points), args.seed
    )


def by_label(files: Iterable[str | Path]) -> dict[str, Path]:
    """Weights files by their stem, which is enough where it differs, else by the whole path."""
    paths = [Path(path) for path in files]
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    return dict(zip(names, paths, strict=True))


def compare(weights: Mapping[str, Path], scenes: Scenes, jobs: int = 1) -> list[dict[str, object]]:
    """Print and return figures of several weights on the same scenes, a table each condition.

    Args:
        weights: file by label.
        jobs: processes.

    Returns:
        A list of dictionaries: label, mismatches, prior, section and the section's figures.
    """
    networks = {label: load_network(path) for label, path in weights.items()}
    rows: list[dict[str, object]] = []
    for mismatch, prior in itertools.product(scenes.mismatches, scenes.priors):
        print(f"\nmismatches {mismatch:.0%}, prior x {prior:g}, {scenes.episodes} scenes\n")
        print("| weights | section | success % | steps | rotation deg | translation mm |")
        print("|---|---|---|---|---|---|")
        results = joblib.Parallel(n_jobs=jobs, return_as="generator")(
            joblib.delayed(_closed_loop)(network, mismatch, prior, scenes)
            for network in networks.values()
        )
        for label, result in zip(networks, results, strict=True):
            for section, figures in result.sections().items():
                row = {"weights": label, "mismatches": mismatch, "prior": prior}
                rows.append({**row, "section": section, **figures})
                print(f"| {label} | {section} | {_cells(**figures)} |", flush=True)
    return rows


def _closed_loop(network: CnsNetwork, mismatch: float, prior: float, scenes: Scenes) -> Result:
    torch.set_num_threads(1)
    settings = evaluation_settings(SimulationSettings(), mismatch, prior)
    cluster = affinity_propagation if network.clustering else every_keypoint
    return evaluate(
        network, settings, scenes.episodes, scenes.steps, scenes.points, scenes.seed, cluster
    )


def _cells(
    success: float, steps: float, rotation_error_deg: float, translation_error_mm: float
) -> str:
    return (
        f"{100 * success:.1f} | {steps:.0f} | {rotation_error_deg:.3f} | {translation_error_mm:.2f}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print success, steps and errors by section for every weights file, mismatch and prior."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", nargs="+", help="files; the shipped ones if left out")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    add_scene_arguments(parser)
    args = parser.parse_args(argv)
    compare(by_label(args.weights or [default_weights()]), scenes_of(args), args.jobs)


if __name__ == "__main__":
    main()
