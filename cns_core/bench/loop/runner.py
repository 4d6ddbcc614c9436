"""Runs many episodes, in parallel and so that an interrupted run resumes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import joblib
import numpy as np

from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Record, Spec, is_end_to_end

EPISODES = "episodes.jsonl"
_FINGERPRINT = "fingerprint.txt"
_ON_PYTORCH = ("auto", "xfeat", "lightglue", "raft")
"""How the names of the observers begin that run a network on PyTorch."""


def run(
    specs: Sequence[Spec],
    folder: str | Path,
    fingerprint: str,
    jobs: int | None = None,
    report: Callable[[str], object] = print,
) -> list[Record]:
    """Run every spec that ``folder`` does not hold yet.

    Episodes are appended to ``folder/episodes.jsonl`` as they end; of failed ones a strip of
    pictures goes to ``folder/failures``. To run on a cluster, call this inside
    ``joblib.parallel_config(backend="ray")`` or ``"dask"`` after registering that backend.

    Args:
        specs: what to run.
        fingerprint: what results rest on; those of another one are not mixed in.
        jobs: processes, None for joblib's ambient setting.
        report: called with one line of progress for each episode.

    Returns:
        The records of all specs, in their order.

    Raises:
        ValueError: if ``folder`` holds results of another fingerprint, or two specs share a key.
    """
    folder = Path(folder)
    keys = [spec.key for spec in specs]
    if len(set(keys)) < len(keys):
        raise ValueError("two episodes have the same key: give weights files distinct names")
    done = _load(folder, fingerprint)
    missing = [spec for spec in specs if spec.key not in done]
    if done:
        report(f"resuming: {len(specs) - len(missing)} of {len(specs)} episodes are there")
    progress = _Progress(len(missing), report)
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    with (folder / EPISODES).open("a", encoding="utf-8") as file:
        for record, strip in parallel(joblib.delayed(_work)(spec) for spec in missing):
            _save_strip(folder, record, strip)
            file.write(json.dumps(record) + "\n")
            file.flush()
            done[record["key"]] = record
            progress.note(record)
    return [done[key] for key in keys]


def _work(spec: Spec) -> tuple[Record, list[np.ndarray]]:
    """One episode on one thread: a core each is worth more than cores shared."""
    cv2.setNumThreads(1)
    on_pytorch = (
        spec.environment == "points"
        or is_end_to_end(spec.controller)
        or spec.observer.startswith(_ON_PYTORCH)
    )
    if on_pytorch and find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    return run_episode(spec)


def _load(folder: Path, fingerprint: str) -> dict[str, Record]:
    """Records already in ``folder``, by key; a line cut off by an interruption is dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    mark, path = folder / _FINGERPRINT, folder / EPISODES
    if mark.exists() and path.exists() and mark.read_text().strip() != fingerprint:
        raise ValueError(f"{folder} holds results of other code or weights: use --fresh or --out")
    mark.write_text(fingerprint + "\n")
    if not path.exists():
        return {}
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return {record["key"]: record for record in records}


def _save_strip(folder: Path, record: Record, strip: list[np.ndarray]) -> None:
    """Ten views of a failed episode side by side, the goal last."""
    if record["success"] or not strip:
        return
    (folder / "failures").mkdir(exist_ok=True)
    chosen = np.linspace(0, len(strip) - 1, min(10, len(strip))).round().astype(int)
    picture = np.hstack([strip[i] for i in chosen])
    cv2.imwrite(str(folder / "failures" / f"{record['key']}.png"), picture)


class _Progress:
    """One line an episode, with the time left."""

    def __init__(self, total: int, report: Callable[[str], object]) -> None:
        self._total, self._report = total, report
        self._count, self._start = 0, time.monotonic()

    def note(self, record: Record) -> None:
        self._count += 1
        spent = time.monotonic() - self._start
        left = spent / self._count * (self._total - self._count)
        self._report(
            f"[{self._count}/{self._total}] {record['key']}: {record['status']}, "
            f"{record['rotation_error_deg']:.3f} deg {record['translation_error_mm']:.2f} mm "
            f"in {record['steps']} steps; {left / 60:.1f} min left"
        )
        sys.stdout.flush()
