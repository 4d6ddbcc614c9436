"""Trains one end-to-end network in a folder of its own, in one go or in pieces."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cns_core.bench.end_to_end.network import NETWORKS
from cns_core.bench.end_to_end.views import Views
from cns_core.bench.end_to_end.weights import save_weights

BATCH = 64
RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 100, 1e-4
_NOISE = 1.0
"""Grey levels; images carry noise, what is rendered for training does not."""
_SAVE_EVERY, _LOG_EVERY = 250, 50


@dataclass(frozen=True)
class Budget:
    """How long to train.

    Attributes:
        updates: of the weights, all pieces together; the learning rate falls to zero over them.
        minutes: after which this piece ends, of the wall clock.
    """

    updates: int
    minutes: float = math.inf


class Training:
    """A network on its way, resumed from the folder's checkpoint if there is one.

    Pieces give the same weights as one go: what an update sees follows from its number.

    Args:
        method: of ``NETWORKS``.
        views: what it is trained on.
        folder: where ``METHOD.safetensors`` and its checkpoint lie.
        budget: how long.

    Attributes:
        weights: the file of them.
        update: how many were made.
        core_minutes: of processor time spent, all pieces together.

    Raises:
        ValueError: for a checkpoint of another budget, or of other views.
    """

    def __init__(self, method: str, views: Views, folder: Path, budget: Budget) -> None:
        torch.manual_seed(0)
        self.method, self.folder, self.budget = method, folder, budget
        self._views = views
        self.network = NETWORKS[method]()
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY
        )
        self.weights = folder / f"{method}.safetensors"
        self._checkpoint = folder / f"{method}-checkpoint.pt"
        self.update, self.core_minutes = 0, 0.0
        if self._checkpoint.is_file():
            self._resume(torch.load(self._checkpoint, map_location="cpu", weights_only=True))

    def run(self) -> bool:
        """Train until the updates are made or the minutes over; whether all are made."""
        self.network.train()
        begun, losses = time.monotonic(), []
        spent_before, core = self.core_minutes, time.process_time()
        while self.update < self.budget.updates:
            if time.monotonic() - begun > 60 * self.budget.minutes:
                break
            losses.append(self._step())
            self.core_minutes = spent_before + (time.process_time() - core) / 60
            if self.update % _LOG_EVERY == 0:
                print(
                    f"{self.method} {self.update}/{self.budget.updates}: loss "
                    f"{np.mean(losses[-_LOG_EVERY:]):.4f}, {self.core_minutes:.1f} core minutes",
                    flush=True,
                )
            if self.update % _SAVE_EVERY == 0:
                self.save()
        self.save()
        return self.update >= self.budget.updates

    def save(self) -> None:
        """Write checkpoint and weights."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                **self._asked(),
                "update": self.update,
                "core_minutes": self.core_minutes,
                "network": self.network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
            },
            partial,
        )
        partial.replace(self._checkpoint)
        save_weights(self.network, self.method, self.weights)

    def _step(self) -> float:
        """One update; the loss."""
        views = self._views
        rng = np.random.default_rng([12, self.update])
        generator = torch.Generator().manual_seed(self.update)
        chosen = rng.choice(len(views.images), min(BATCH, len(views.images)), replace=False)
        images = torch.from_numpy(views.images[chosen]).float()
        images += _NOISE * torch.randn(images.shape, generator=generator)
        poses = torch.from_numpy(views.poses[chosen]).float()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        loss = self.network.loss(self.network.encoder(images), poses, generator)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        self.update += 1
        return float(loss.detach())

    def _rate(self) -> float:
        warm = min(1.0, (self.update + 1) / WARM_UP)
        return RATE * warm * 0.5 * (1.0 + math.cos(math.pi * self.update / self.budget.updates))

    def _asked(self) -> dict[str, int]:
        """What may not change between pieces, by the option's name."""
        return {"updates": self.budget.updates, "views": len(self._views.images)}

    def _resume(self, saved: dict[str, Any]) -> None:
        for what, asked in self._asked().items():
            if saved[what] != asked:
                raise ValueError(
                    f"{self._checkpoint} is of a training of {saved[what]} {what}, {asked} are "
                    f"asked for: take another --out or the same --{what}"
                )
        self.network.load_state_dict(saved["network"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self.update, self.core_minutes = saved["update"], saved["core_minutes"]
