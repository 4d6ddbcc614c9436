"""Table II: the network with parts left out or exchanged, all trained with one equal budget.

``python -m cns_core.training.ablations --out runs/ablations`` trains what is not yet trained, then
evaluates all of it in one run. Interrupted, the same command goes on.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from cns_core.training.evaluate import add_scene_arguments, compare
from cns_core.training.settings import NetworkSettings, load_settings
from cns_core.training.train import Run

VARIANTS = {
    "CNS": NetworkSettings(),
    "-Cluster": NetworkSettings(clustering=False),
    "-GConvGRU": NetworkSettings(memory="mlp"),
    "+GGNN": NetworkSettings(memory="ggnn"),
}
"""The paper's names, and what differs."""

FILE_NAMES = {"CNS": "full", "-Cluster": "no_cluster", "-GConvGRU": "no_gru", "+GGNN": "ggnn"}


def train(settings, folder):
    """Train every variant that ``folder`` does not hold yet; return their weights by name."""
    paths = {}
    for name, network in VARIANTS.items():
        home = folder / FILE_NAMES[name]
        paths[name] = folder / f"{FILE_NAMES[name]}.safetensors"
        if paths[name].is_file():
            continue
        print(f"{name}: {settings.steps} environment steps into {home}", flush=True)
        run = Run(replace(settings, network=network), home, (home / "checkpoint.pt").is_file())
        run.train()
        (home / "cns.safetensors").replace(paths[name])
    return paths


def main(argv=None):
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/ablation.yaml", help="the budget of each")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"))
    add_scene_arguments(parser)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = compare(train(load_settings(args.config), args.out), args)
    (args.out / "ablations.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
