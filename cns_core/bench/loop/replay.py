"""`cns-bench replay`: runs one episode of an earlier run again and draws it."""

import json
from pathlib import Path

import numpy as np

from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Spec
from cns_core.record.episode_log import EpisodeLog, Sample


def add_arguments(parser):
    parser.add_argument("folder", type=Path, help="folder of the run")
    parser.add_argument("key", help="episode, as in the report")


def run(args):
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


def replay(spec, folder):
    """Run ``spec``, write its log and, of rendered scenes, its pictures into ``folder``."""
    # Drawing needs matplotlib, which the parallel workers do without.
    from cns_core.record.episode_figures import draw_episode

    watcher = _Watcher()
    record, _ = run_episode(spec, watch=watcher)
    folder = Path(folder)
    watcher.log.save(folder, {"status": record["status"]})
    if watcher.frames:
        env = watcher.environment
        poses = np.array([*watcher.poses, env.T_goal])
        draw_episode(folder, watcher.log, env.camera, watcher.frames, env.desired_image, poses)
    return record


class _Watcher:
    """Keeps what an episode's log and pictures need."""

    def __init__(self):
        self.log = EpisodeLog()
        self.frames, self.poses = [], []
        self.environment = None

    def __call__(self, environment, step, image):
        self.environment = environment
        self.poses.append(environment.T)
        if image is not None:
            self.frames.append((image, step.correspondence))
        vx, vy, vz, wx, wy, wz = step.twist.tolist()
        x_m, y_m, z_m = environment.T[:3, 3].tolist()
        self.log.samples.append(
            Sample(
                time_s=environment.time_s,
                vx=vx,
                vy=vy,
                vz=vz,
                wx=wx,
                wy=wy,
                wz=wz,
                error=step.error,
                matched=step.correspondence.count,
                image_age_s=0.0,
                rotation_error_deg=environment.rotation_error_deg,
                translation_error_mm=environment.translation_error_mm,
                x_m=x_m,
                y_m=y_m,
                z_m=z_m,
            )
        )
