"""Table II: the network with parts left out or exchanged, all trained with one equal budget.

``python -m cns_core.training.ablations --out runs/ablations`` trains what is not yet trained, then
evaluates all of it in one run. Interrupted, the same command goes on. With ``--data`` it is section
VII-F: the same network, and what makes the training data imperfect left out in turn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import torch

from cns_core.training.evaluate import add_scene_arguments, by_label, compare, scenes_of
from cns_core.training.run import Run
from cns_core.training.settings import Settings, load_settings

Change = Callable[[Settings], Settings]

CONFIG = "config/ablation.yaml"


def _network(**changes: Any) -> Change:
    return lambda settings: replace(settings, network=replace(settings.network, **changes))


def _correspondence(**changes: Any) -> Change:
    return lambda settings: replace(
        settings, correspondence=replace(settings.correspondence, **changes)
    )


def _without_curriculum(settings: Settings) -> Settings:
    """Every phase with the episodes and scenes of the last one; the learning rate as it was."""
    last = settings.curriculum[-1]
    phases = (
        replace(phase, length=last.length, window=last.window, points=last.points)
        for phase in settings.curriculum
    )
    return replace(settings, curriculum=tuple(phases))


TABLE_II: dict[str, tuple[str, Change]] = {
    "CNS": ("full", _network()),
    "-Cluster": ("no_cluster", _network(clustering=False)),
    "-GConvGRU": ("no_gru", _network(memory="mlp")),
    "+GGNN": ("ggnn", _network(memory="ggnn")),
}
"""By the paper's names: name of the files, and settings made of those of the run."""

VARIANTS = {**TABLE_II, "-Curriculum": ("no_curriculum", _without_curriculum)}
"""And one of ours."""

# Jitter is drawn uniformly in its logarithm, which zero has none of.
_NO_JITTER = (1e-9, 1e-9)

DATA_VARIANTS: dict[str, tuple[str, Change]] = {
    "CNS": TABLE_II["CNS"],
    "-Kernels": ("no_kernels", _correspondence(kernels=False)),
    "-KMC": ("no_kmc", _correspondence(kinetic_monte_carlo=False)),
    "-Mismatches": ("no_mismatches", _correspondence(mismatched=0.0)),
    "-Jitter": ("no_jitter", _correspondence(jitter=_NO_JITTER, desired_jitter=_NO_JITTER)),
}
"""The same for the training data; the names are ours."""


def longer(settings: Settings, times: float) -> Settings:
    """The same run with a budget ``times`` as large: every phase that much longer.

    Raises:
        ValueError: unless ``times`` is positive.
    """
    if not times > 0.0:
        raise ValueError(f"a budget must be positive, got {times} times the usual one")
    phases = (replace(phase, steps=round(times * phase.steps)) for phase in settings.curriculum)
    return replace(settings, curriculum=tuple(phases))


def train(
    settings: Settings,
    folder: Path,
    jobs: int = 1,
    variants: dict[str, tuple[str, Change]] = VARIANTS,
) -> dict[str, Path]:
    """Train every variant that ``folder`` does not hold yet, ``jobs`` at a time.

    Returns:
        Path of the weights by name of the variant.
    """
    paths = {name: folder / f"{stem}.safetensors" for name, (stem, _) in variants.items()}
    missing = [name for name, path in paths.items() if not path.is_file()]
    joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_train_variant)(name, variants[name][1](settings), paths[name])
        for name in missing
    )
    return paths


def _train_variant(name: str, settings: Settings, weights: Path) -> None:
    torch.set_num_threads(1)
    home = weights.with_suffix("")
    print(f"{name}: {settings.steps} environment steps into {home}", flush=True)
    run = Run(settings, home, (home / "checkpoint.pt").is_file())
    run.train()
    (home / "cns.safetensors").replace(weights)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default=CONFIG, help="the budget of each")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--data", action="store_true", help="leave out parts of the data instead")
    parser.add_argument("--times", type=float, default=1.0, help="this many times that budget")
    parser.add_argument("--jobs", type=int, default=1, help="processes, a variant each")
    parser.add_argument("--beside", nargs="*", default=(), help="other weights to compare with")
    add_scene_arguments(parser)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    variants = DATA_VARIANTS if args.data else VARIANTS
    settings = longer(load_settings(args.config), args.times)
    weights = train(settings, args.out, args.jobs, variants)
    rows = compare(weights | by_label(args.beside), scenes_of(args), args.jobs)
    name = "data_ablations.json" if args.data else "ablations.json"
    (args.out / name).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
