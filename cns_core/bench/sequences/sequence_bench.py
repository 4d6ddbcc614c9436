"""Visual teach and repeat: sequences of saved goals on the twin's scenes.

Each sequence is taught (five views are saved as goals) and repeated twice: from another place, and
after the scene was moved as a whole by 200 mm and 45 deg. `cns-bench sequence` prints a row for
each and succeeds if every last goal is reached within 0.1 mm.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import cv2
import numpy as np

from cns_core.bench.sequences.sequence_views import Pose, draw_sequence, moved_start
from cns_core.geometry import se3
from cns_core.goals.goal import Goal, GoalInfo
from cns_core.goals.store import GoalStore
from cns_core.servo import VisualServo
from cns_core.twin.workcell import CAMERA, Workcell
from cns_core.twin.world.sensor import ImageSensor

HOME_MM = 0.1
_DT_S, _MOST_STEPS = 0.04, 750
_NOISE = 2.0  # grey levels
_PRIOR_M = 0.5
_HEADING = "seed moved goals steps  worst_mm  last_mm  last_deg  verdict"


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of `cns-bench sequence`."""
    parser.add_argument("--count", type=int, default=20, help="sequences")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--goals", type=int, default=5, help="in each")


def run(args: Namespace) -> int:
    """Print the table; 0 if all came home."""
    print(_HEADING)
    rows = []
    for seed in range(args.first, args.first + args.count):
        cv2.setRNGSeed(0)
        workcell, start, goals = draw_sequence(seed, args.goals)
        with tempfile.TemporaryDirectory() as folder:
            store = teach(workcell, goals, folder, seed)
            for moved in (False, True):
                begin = moved_start(start, seed) if moved else start
                rows.append(repeat(workcell, store, begin, goals, seed))
                print(f"{seed:4d} {'yes' if moved else 'no':>5} {_line(rows[-1])}", flush=True)
    home = sum(row[-1][2] == "converged" and row[-1][0] <= HOME_MM for row in rows)
    whole = sum(len(row) == args.goals for row in rows)
    print(f"{home} of {len(rows)} home within {HOME_MM} mm, {whole} through all their goals")
    return 0 if home == whole == len(rows) else 1


def teach(workcell: Workcell, goals: Sequence[Pose], folder: str, seed: int) -> GoalStore:
    """Save the view at each pose; the store."""
    sensor = ImageSensor(noise_std=_NOISE, seed=seed)
    store = GoalStore(folder)
    for index, pose in enumerate(goals):
        image = sensor.expose([workcell.scene.render(pose, CAMERA)])
        store.save(f"{index}", Goal(GoalInfo(CAMERA, "", pose, "scene", _PRIOR_M), image))
    return store


def repeat(
    workcell: Workcell, store: GoalStore, start: Pose, goals: Sequence[Pose], seed: int
) -> list[tuple[float, float, str, int]]:
    """Servo through the goals; for each that was tried mm, deg, status and steps.

    The poses of the goals serve for measuring only.
    """
    sensor = ImageSensor(noise_std=_NOISE, seed=seed + 1000)
    T, time_s, rows = start, 0.0, []

    def look() -> np.ndarray:
        return sensor.expose([workcell.scene.render(T, CAMERA)])

    with VisualServo(CAMERA, terminal="structure", delay_s=0.0) as servo:
        for index, goal in enumerate(goals):
            saved = store.load(f"{index}", CAMERA)
            servo.set_desired(saved.image, saved.info.depth_prior_m or _PRIOR_M)
            status, steps = "servoing", 0
            while status in ("servoing", "lost") and steps < _MOST_STEPS:
                # The arm knows where it is, but not where the scene is.
                step = servo.step(look(), time_s, se3.inverse(start) @ T)
                T = T @ se3.exp(step.twist * _DT_S)
                status, steps, time_s = str(step.status), steps + 1, time_s + _DT_S
            error_mm = 1e3 * se3.translation_error_m(goal, T)
            rows.append((error_mm, se3.rotation_error_deg(goal, T), status, steps))
            if status != "converged":
                break
    return rows


def _line(rows: list[tuple[float, float, str, int]]) -> str:
    last_mm, last_deg, verdict, _ = rows[-1]
    worst_mm, steps = max(row[0] for row in rows), sum(row[3] for row in rows)
    return f"{len(rows):5d} {steps:5d} {worst_mm:9.3f} {last_mm:8.3f} {last_deg:9.4f}  {verdict}"
