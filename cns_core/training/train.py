"""``cns-train``: train a policy from a configuration file, in one go or in pieces."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence

import torch
import torch.distributed as dist

from cns_core.command_name import command_name
from cns_core.training.run import Run
from cns_core.training.settings import load_settings


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of ``cns-train``; under ``torchrun`` all processes share one run."""
    parser = argparse.ArgumentParser(prog=command_name("cns-train"), description=__doc__)
    parser.add_argument("--config", default="config/train.yaml", help="settings (YAML)")
    parser.add_argument("--out", default="runs/cns", help="folder of the run")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint")
    begin.add_argument(
        "--weights", metavar="FILE", help="begin with these, at the step that they were trained to"
    )
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
        run = Run(settings, args.out, args.resume, args.device, args.weights)
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
