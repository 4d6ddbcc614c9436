"""Table II: the network with parts left out or exchanged, all trained with one equal budget.

``python -m cns_core.training.ablations --out runs/ablations`` trains what is not yet trained, then
evaluates all of it in one run. Interrupted, the same command goes on.
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

from cns_core.training.evaluate import add_scene_arguments, by_label, compare
from cns_core.training.run import Run
from cns_core.training.settings import Settings, load_settings

Change = Callable[[Settings], Settings]


def _network(**changes: Any) -> Change:
    return lambda settings: replace(settings, network=replace(settings.network, **changes))


def _without_curriculum(settings: Settings) -> Settings:
    """Every phase with the episodes and scenes of the last one; the learning rate as it was."""
    last = settings.curriculum[-1]
    phases = (
        replace(phase, length=last.length, window=last.window, points=last.points)
        for phase in settings.curriculum
    )
    return replace(settings, curriculum=tuple(phases))


VARIANTS: dict[str, tuple[str, Change]] = {
    "CNS": ("full", _network()),
    "-Cluster": ("no_cluster", _network(clustering=False)),
    "-GConvGRU": ("no_gru", _network(memory="mlp")),
    "+GGNN": ("ggnn", _network(memory="ggnn")),
    "-Curriculum": ("no_curriculum", _without_curriculum),
}
"""The paper's names and one of ours: name of the files, and settings made of those of the run."""


def train(settings: Settings, folder: Path, jobs: int = 1) -> dict[str, Path]:
    """Train every variant that ``folder`` does not hold yet, ``jobs`` at a time.

    Returns:
        Path of the weights by name of the variant.
    """
    paths = {name: folder / f"{stem}.safetensors" for name, (stem, _) in VARIANTS.items()}
    missing = [name for name, path in paths.items() if not path.is_file()]
    joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_train_variant)(name, settings, paths[name]) for name in missing
    )
    return paths


def _train_variant(name: str, settings: Settings, weights: Path) -> None:
    torch.set_num_threads(1)
    home = weights.with_suffix("")
    print(f"{name}: {settings.steps} environment steps into {home}", flush=True)
    run = Run(VARIANTS[name][1](settings), home, (home / "checkpoint.pt").is_file())
    run.train()
    (home / "cns.safetensors").replace(weights)


def main(argv: Sequence[str] | None = None) -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/ablation.yaml", help="the budget of each")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--jobs", type=int, default=1, help="variants trained at a time")
    parser.add_argument("--beside", nargs="*", default=(), help="other weights to compare with")
    add_scene_arguments(parser)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    weights = train(load_settings(args.config), args.out, args.jobs)
    rows = compare(weights | by_label(args.beside), args)
    (args.out / "ablations.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
