"""``cns-train``: train a policy from a configuration file, in one go or in pieces."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
import yaml
from tqdm import tqdm

from cns_core.policy.weights import save_network
from cns_core.training import checkpoint, curves
from cns_core.training.evaluate import evaluate, evaluation_settings
from cns_core.training.settings import load_settings
from cns_core.training.trainer import Trainer

LOG_EVERY = 20


class Run:
    """One training run in a folder: checkpoint, tables, curves and weights.

    Args:
        settings: :class:`cns_core.training.settings.Settings`.
        folder: where its files lie.
        resume: go on from the folder's checkpoint; its absence is an error.
        device: ``'cpu'`` or ``'cuda'``.
    """

    def __init__(self, settings, folder, resume=False, device="cpu"):
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self.settings = settings
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.trainer = Trainer(settings, device, self.rank, self.world)
        self.seconds = 0.0
        self._interrupted = False
        if resume:
            self._resume(device)
        if self.rank == 0:
            at = self.trainer.step if resume else None
            self.log = curves.Table(self.folder / "training.csv", at)
            self.evaluations = curves.Table(self.folder / "evaluation.csv", at)
            (self.folder / "settings.yaml").write_text(_yaml(settings))

    def _resume(self, device):
        saved = checkpoint.load(self.folder / "checkpoint.pt", device)
        local = saved["local"]
        # Another number of processes goes on with fresh environments.
        self.trainer.load(saved["state"], local[self.rank] if len(local) == self.world else None)
        self.seconds = saved["seconds"]

    def train(self, time_budget_s=float("inf")):
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
        sums, count = {}, 0
        while not trainer.done and not self._spent(begin, time_budget_s):
            old = trainer.step
            figures = trainer.window()
            self.seconds = before + time.monotonic() - begin
            bar.update(trainer.step - old)
            sums = {k: sums.get(k, 0.0) + v for k, v in figures.items()}
            count += 1
            if count == LOG_EVERY:
                self._log({k: v / count for k, v in sums.items()}, bar)
                sums, count = {}, 0
            if _crossed(old, trainer.step, settings.evaluate_every):
                self._evaluate()
            if _crossed(old, trainer.step, settings.checkpoint_every):
                self.save()
        bar.close()
        self.save()
        return trainer.done

    def interrupt(self, *_):
        """End :meth:`train` after the update in progress; a signal handler."""
        self._interrupted = True

    def _spent(self, begin, time_budget_s):
        """Whether the time is over or an interrupt came, for any of the processes."""
        over = self._interrupted or time.monotonic() - begin >= time_budget_s
        spent = torch.tensor(float(over), device=self.trainer.draw.device)
        if self.world > 1:
            dist.all_reduce(spent, dist.ReduceOp.MAX)
        return bool(spent)

    def _log(self, figures, bar):
        if self.rank:
            return
        row = {"step": self.trainer.step, "seconds": round(self.seconds, 1), **figures}
        self.log.add({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        bar.set_postfix(loss=f"{figures['loss']:.3f}", length=round(figures["length"]))

    def _evaluate(self):
        if self.rank:
            return
        settings = evaluation_settings(self.settings, mismatch_share=0.1)
        network = self.trainer.average.module
        result = evaluate(network.cpu(), settings, episodes=64, steps=250, points=(64, 256))
        network.to(self.trainer.draw.device)
        row = {"step": self.trainer.step, **result.summary()}
        self.evaluations.add(row)
        curves.draw(self.log.path, self.evaluations.path, self.folder / "curves.png")
        figures = ", ".join(f"{k} {v:.3f}" for k, v in result.summary().items())
        tqdm.write(f"step {self.trainer.step}: {figures}")

    def save(self):
        """Write checkpoint and averaged weights."""
        local = [self.trainer.local_state()]
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
            self.trainer.average.module,
            self.folder / "cns.safetensors",
            steps=self.trainer.step,
            seconds=round(self.seconds),
            seed=self.settings.seed,
        )


def _crossed(old, new, every):
    return old // every < new // every


def _yaml(settings):
    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, tuple) else value

    return yaml.safe_dump(plain(settings.as_dict()), sort_keys=False)


def main(argv=None):
    """Entry point of ``cns-train``; under ``torchrun`` all processes share one run."""
    parser = argparse.ArgumentParser(prog="cns-train", description=__doc__)
    parser.add_argument("--config", default="config/train.yaml", help="settings (YAML)")
    parser.add_argument("--out", default="runs/cns", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    parser.add_argument("--time-budget", type=float, metavar="MINUTES", help="stop after so long")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each process")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    try:
        settings = load_settings(args.config)
        if "LOCAL_RANK" in os.environ:
            dist.init_process_group("nccl" if args.device == "cuda" else "gloo")
            if args.device == "cuda":
                torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        run = Run(settings, args.out, args.resume, args.device)
    except ValueError as error:
        parser.error(str(error))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, run.interrupt)
    budget = float("inf") if args.time_budget is None else 60 * args.time_budget
    done = run.train(budget)
    print(f"{'finished' if done else 'paused'} at step {run.trainer.step}: {run.folder}")
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
