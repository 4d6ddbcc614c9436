"""A training run in a folder of its own, in one go or in pieces."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import yaml
from tqdm import tqdm

from cns_core.simulation.evaluation_scenes import evaluation_settings
from cns_core.training import checkpoint, curves
from cns_core.training.closed_loop import evaluate
from cns_core.training.fine_tune import state_of_weights
from cns_core.training.settings import Settings
from cns_core.training.trainer import Trainer
from cns_core.training.weights import save_network

LOG_EVERY = 20
"""Updates whose mean is a row of the log."""

MISMATCH_SHARE, EPISODES, STEPS, POINTS = 0.1, 64, 250, (64, 256)
"""The closed loop that is watched meanwhile."""


class Run:
    """One training run in a folder: checkpoint, tables, curves and weights.

    Args:
        settings: of the run.
        folder: where its files lie.
        resume: go on from the folder's checkpoint.
        device: ``'cpu'`` or ``'cuda'``.
        weights: a ``.safetensors`` file to begin with, see :func:`.state_of_weights`.

    Raises:
        ValueError: if there is no whole checkpoint to resume from, or the weights cannot be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        folder: str | Path,
        resume: bool = False,
        device: str = "cpu",
        weights: str | Path | None = None,
    ) -> None:
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self.settings = settings
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        saved: dict[str, Any] = {}
        if resume:
            saved = checkpoint.load(self.folder / "checkpoint.pt", device)
        elif weights is not None:
            saved = {"state": state_of_weights(weights)}
        # Another number of processes goes on with fresh environments.
        local = saved.get("local", [])
        self.trainer = Trainer(
            settings,
            device,
            self.rank,
            self.world,
            state=saved.get("state"),
            local=local[self.rank] if len(local) == self.world else None,
        )
        self.seconds: float = saved.get("seconds", 0.0)
        self._interrupted = False
        if self.rank == 0:
            at = self.trainer.step if resume else None
            self.log = curves.Table(self.folder / "training.csv", at)
            self.evaluations = curves.Table(self.folder / "evaluation.csv", at)
            (self.folder / "settings.yaml").write_text(_yaml(settings))

    def train(self, time_budget_s: float = float("inf")) -> bool:
        """Train until the curriculum or the time is spent; return whether the curriculum is."""
        trainer, settings = self.trainer, self.settings
        begin, before = time.monotonic(), self.seconds
        bar = tqdm(
            total=settings.steps,
            initial=trainer.step,
            unit="step",
            unit_scale=True,
            mininterval=0.5 if sys.stderr.isatty() else 30.0,
            disable=self.rank > 0,
        )
        recent: list[dict[str, float]] = []
        while not trainer.done and not self._spent(begin, time_budget_s):
            old = trainer.step
            recent.append(trainer.window())
            self.seconds = before + time.monotonic() - begin
            bar.update(trainer.step - old)
            if len(recent) == LOG_EVERY:
                self._log({k: sum(row[k] for row in recent) / LOG_EVERY for k in recent[0]}, bar)
                recent.clear()
            if _crossed(old, trainer.step, settings.evaluate_every):
                self._evaluate()
            if _crossed(old, trainer.step, settings.checkpoint_every):
                self.save()
        bar.close()
        self.save()
        return trainer.done

    def interrupt(self, *_: object) -> None:
        """End :meth:`train` after the update in progress; a signal handler."""
        self._interrupted = True

    def _spent(self, begin: float, time_budget_s: float) -> bool:
        """Whether the time is over or an interrupt came, for any of the processes."""
        over = self._interrupted or time.monotonic() - begin >= time_budget_s
        spent = torch.tensor(float(over), device=self.trainer.draw.device)
        if self.world > 1:
            dist.all_reduce(spent, dist.ReduceOp.MAX)
        return bool(spent)

    def _log(self, figures: dict[str, float], bar: tqdm) -> None:
        if self.rank:
            return
        row = {"step": self.trainer.step, "seconds": round(self.seconds, 1), **figures}
        self.log.add({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        bar.set_postfix(loss=f"{figures['loss']:.3f}", length=round(figures["length"]))

    def _evaluate(self) -> None:
        if self.rank:
            return
        trainer = self.trainer
        settings = evaluation_settings(self.settings.simulation, MISMATCH_SHARE)
        network = trainer.served
        result = evaluate(
            network.cpu(), settings, EPISODES, STEPS, POINTS, cluster=trainer.simulator.cluster
        )
        network.to(trainer.draw.device)
        self.evaluations.add({"step": trainer.step, **result.summary()})
        curves.draw(self.log.path, self.evaluations.path, self.folder / "curves.png")
        figures = ", ".join(f"{k} {v:.3f}" for k, v in result.summary().items())
        tqdm.write(f"step {trainer.step}: {figures}")

    def save(self) -> None:
        """Write checkpoint and averaged weights."""
        local: list[Any] = [self.trainer.local_state()]
        if self.world > 1:
            local = [None] * self.world
            dist.all_gather_object(local, self.trainer.local_state())
        if self.rank:
            return
        checkpoint.save(
            self.folder / "checkpoint.pt",
            state=self.trainer.state(),
            local=local,
            seconds=self.seconds,
        )
        save_network(
            self.trainer.served,
            self.folder / "cns.safetensors",
            steps=self.trainer.step,
            seconds=round(self.seconds),
            seed=self.settings.seed,
        )


def _crossed(old: int, new: int, every: int) -> bool:
    return old // every < new // every


def _yaml(settings: Settings) -> str:
    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, tuple) else value

    return yaml.safe_dump(plain(settings.as_dict()), sort_keys=False)
