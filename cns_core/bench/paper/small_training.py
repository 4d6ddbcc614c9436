"""What the paper's comparisons have to train, each with a small part of its budget.

Enough to see the whole way work, far too little to learn what the comparison tells: the full
budgets are those of ``python -m cns_core.bench.end_to_end`` and
``python -m cns_core.training.ablations``.
"""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import torch

from cns_core.bench.end_to_end.network import NETWORKS
from cns_core.bench.end_to_end.train import Budget, Training
from cns_core.bench.end_to_end.views import Views, training_views
from cns_core.share import share_directory
from cns_core.training import ablations
from cns_core.training.evaluate import Scenes, compare
from cns_core.training.settings import load_settings

VIEWS, UPDATES = 3000, 250
"""Images rendered and updates made for an end-to-end method."""

SHARE = 0.03
"""Of the budget of `config/ablation.yaml` for a network or for other training data."""

SCENES = Scenes(mismatches=(0.1,), episodes=12, steps=150, seed=777)
"""Of projected points, on which the networks are judged."""


def end_to_end_methods(folder: Path, jobs: int) -> list[str]:
    """Train [11] and [13] on the picture of E_affine; their names for `--controllers`."""
    views, _ = training_views(folder / "views", VIEWS, jobs)
    files = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_train)(method, views, folder) for method in NETWORKS
    )
    return [f"{method}:{file}" for method, file in zip(NETWORKS, files, strict=True)]


def _train(method: str, views: Views, folder: Path) -> Path:
    torch.set_num_threads(1)
    training = Training(method, views, folder, Budget(UPDATES))
    training.run()
    return training.weights


def ablated_networks(folder: Path, jobs: int) -> None:
    """Train the networks of Table II and of VII-F and write how they do, `ablations.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = load_settings(share_directory() / ablations.CONFIG)
    variants = {**ablations.TABLE_II, **ablations.DATA_VARIANTS}
    weights = ablations.train(ablations.longer(whole, SHARE), folder, jobs, variants)
    rows = compare(weights, SCENES, jobs)
    (folder / "ablations.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
