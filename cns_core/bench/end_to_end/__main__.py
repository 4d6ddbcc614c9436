"""Trains an end-to-end method on the one picture of the `picture` environment.

``python -m cns_core.bench.end_to_end --method siamese --out out/end_to_end``; interrupted, or after
``--minutes``, the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cns_core.bench.end_to_end.held_out import held_out_errors
from cns_core.bench.end_to_end.network import NETWORKS
from cns_core.bench.end_to_end.train import Budget, Training
from cns_core.bench.end_to_end.views import PIECE, training_views


def main(argv: Sequence[str] | None = None) -> int:
    """Render what is missing, train, and tell the error on views held out; 2 on bad input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--method", choices=tuple(NETWORKS), required=True)
    parser.add_argument("--out", type=Path, default=Path("out/end_to_end"), help="folder")
    parser.add_argument("--views", type=int, default=20 * PIECE, help="images to train on")
    parser.add_argument("--updates", type=int, default=4000, help="of the weights, in all")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of this piece")
    parser.add_argument("--jobs", type=int, default=1, help="processes that render")
    args = parser.parse_args(argv)
    if args.views < 1 or args.updates < 1:
        parser.error("--views and --updates must be at least 1")
    torch.set_num_threads(1)
    seen, held_out = training_views(args.out / "views", args.views, args.jobs)
    try:
        training = Training(args.method, seen, args.out, Budget(args.updates, args.minutes))
    except ValueError as error:
        print(f"cns_core.bench.end_to_end: {error}", file=sys.stderr)
        return 2
    whole = training.run()
    turn, way = np.median(held_out_errors(training.network, held_out), axis=0)
    print(
        f"{args.method}: {len(seen.images)} images, {training.update} updates, "
        f"{training.core_minutes:.1f} core minutes{'' if whole else ' so far'}; on "
        f"{len(held_out.images)} images held out the median error is {turn:.2f} deg and "
        f"{100 * way:.2f} % of the goal's distance; weights: {training.weights}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
