"""`cns-bench replay`: runs one episode of an earlier run again and draws it."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from cns_core.bench.loop.episode import build_environment, run_episode
from cns_core.bench.loop.plan import Spec
from cns_core.control.regulator import Step
from cns_core.record.episode_figures import draw_episode
from cns_core.record.episode_log import EpisodeLog
from cns_core.record.graph_figure import Frame
from cns_core.record.step_record import StepRecord


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, help="folder of the run")
    parser.add_argument("key", help="episode, as in the report")


def run(args: Namespace) -> int:
    """Replay and draw into ``folder/replays/key``; 0, or 2 if there is no such episode."""
    report = args.folder / "report.json"
    if not report.exists():
        print(f"{report} does not exist")
        return 2
    found = [e for e in json.loads(report.read_text())["episodes"] if e["key"] == args.key]
    if not found:
        print(f"{report} holds no episode {args.key!r}")
        return 2
    folder = args.folder / "replays" / args.key
    record = replay(Spec(**found[0]["spec"]), folder)
    print(
        f"{record['status']}: {record['rotation_error_deg']:.4f} deg, "
        f"{record['translation_error_mm']:.3f} mm in {record['steps']} steps; see {folder}"
    )
    return 0


def replay(spec: Spec, folder: str | Path) -> dict[str, Any]:
    """Run ``spec``, write its log and, of rendered scenes, its pictures into ``folder``."""
    log = EpisodeLog()
    frames: list[Frame] = []

    def watch(seen: StepRecord, step: Step, image: np.ndarray | None) -> None:
        log.steps.append(seen)
        if image is not None:
            frames.append((image, step.correspondence))

    record, _ = run_episode(spec, watch=watch)
    folder = Path(folder)
    log.save(folder, {"status": record["status"]})
    if frames:
        # The same scene anew, for what it hides from the servo.
        env = build_environment(spec)
        draw_episode(folder, log, env.camera, frames, env.desired_image, env.T_goal)
    return record
