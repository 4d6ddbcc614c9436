"""Views held still with a tool in view: is a wrong pose ever called the goal?

The camera stands where it should not, the tool is where the desired image has it, and the arm does
not obey. Whatever is matched on the tool then says that the goal is reached. A claim is false where
the camera is more than 1 deg or 1 % of the distance off; the command succeeds without any.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice, product
from pathlib import Path
from typing import Any

import cv2

from cns_core import VisualServo
from cns_core.bench.loop.environments import ImageEnvironment
from cns_core.bench.loop.episode import build_environment
from cns_core.bench.loop.odometry import Odometry
from cns_core.bench.loop.photo import SECTIONS
from cns_core.bench.loop.plan import Spec
from cns_core.bench.loop.servos import build_method
from cns_core.bench.loop.suites import FRESH
from cns_core.bench.methods.observers_by_name import OBSERVERS, build_observer
from cns_core.bench.photos.loop_table import is_wrong
from cns_core.bench.report.machine import describe_machine, describe_versions
from cns_core.control.regulator import Step
from cns_core.control.status import Status
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import Observer
from cns_core.servo import STRUCTURE_SMOOTH_PX

TOOLS = ("tool", "tool-pasted", "camera-machine-vision", "camera-webcam")
WAY_SHARES = (1.0, 0.5, 0.25, 0.1)
"""How much of the way between goal and start is left where the camera stands."""
PERIOD_S = 0.08
_TERMINAL = "structure"
_ENVIRONMENTS = ("stereo", "cards")


@dataclass(frozen=True)
class HeldView:
    """What was said of one view.

    Attributes:
        scene, perturbation: which.
        way: share of the way that is left.
        rotation_deg, translation_share: how far the camera is from the goal, the latter over the
            goal's distance.
        matched: keypoints in the last image.
        left: of them, without those that were told to move with the camera.
        converged: whether the goal was said to be reached.
    """

    scene: str
    perturbation: str
    way: float
    rotation_deg: float
    translation_share: float
    matched: int
    left: int
    converged: bool

    @property
    def wrong(self) -> bool:
        """Whether the camera is not at the goal."""
        return is_wrong(self.rotation_deg, self.translation_share)

    @property
    def false(self) -> bool:
        """Whether it was said to be at the goal, and is not."""
        return self.wrong and self.converged


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--views", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--first-scene", type=int, default=FRESH, help=f"(default {FRESH})")
    parser.add_argument("--seconds", type=float, default=2.4, help="a view is shown (default 2.4)")
    parser.add_argument(
        "--images",
        type=_at_least_two,
        default=3,
        help="of each view, at least 2; what is found in them is then repeated (default 3)",
    )
    parser.add_argument("--observer", choices=OBSERVERS, default="auto-tracked", metavar="NAME")
    parser.add_argument("--perturbations", nargs="+", default=TOOLS, metavar="NAME")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all as JSON")


def _at_least_two(word: str) -> int:
    if not word.isdecimal() or int(word) < 2:
        raise ArgumentTypeError(f"must be a whole number of at least 2, got {word!r}")
    return int(word)


def run(args: Namespace) -> int:
    """Show the views and count; 0 if nothing false was said."""
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    views = []
    for view in held_views(args):
        views.append(view)
        if view.false or len(views) % 20 == 0:
            print(f"{len(views)}: {view}", flush=True)
    print(table(views))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {"machine": describe_machine(), "versions": describe_versions()}
        facts |= {"views": [asdict(view) for view in views], "observer": args.observer}
        args.out.write_text(json.dumps(facts, indent=1) + "\n")
    return int(any(view.false for view in views))


def held_views(args: Namespace) -> Iterator[HeldView]:
    """All views that the options ask for, one after the other."""
    specs = (
        Spec(environment, section, index, "cns-structure", args.observer, perturbation=name)
        for index in count(args.first_scene)
        for environment, section, name in product(_ENVIRONMENTS, SECTIONS, args.perturbations)
    )
    views = (view for spec in specs for view in hold(spec, args.seconds, args.images))
    return islice(views, args.views)


def hold(spec: Spec, seconds: float, images: int) -> Iterator[HeldView]:
    """Show a scene from several places, each to a servo anew until that ends the episode or
    ``seconds`` have passed."""
    environment = build_environment(spec)
    way = se3.log(se3.inverse(environment.T_goal) @ environment.T)
    observer = build_observer(spec.observer, environment, True, STRUCTURE_SMOOTH_PX)
    for share in WAY_SHARES:
        cv2.setRNGSeed(0)
        environment.place(environment.T_goal @ se3.exp(share * way))
        seen, step = _watch(spec, environment, observer, round(seconds / PERIOD_S), images)
        yield HeldView(
            *(spec.scene, spec.perturbation, share, environment.rotation_error_deg),
            translation_share=_share_off(environment),
            matched=seen.count,
            left=step.correspondence.count,
            converged=step.status is Status.CONVERGED,
        )
    observer.close()


def _watch(
    spec: Spec, environment: ImageEnvironment, observer: Observer, frames: int, images: int
) -> tuple[Correspondence, Step]:
    """What is seen of the last image, and the last answer."""
    method = build_method(spec.controller, environment, PERIOD_S)
    if method.controller is None:
        raise ValueError(f"{spec.controller} goes by images, not by matches")
    servo = VisualServo(environment.assumed_camera, observer, method.controller, terminal=_TERMINAL)
    servo.set_desired(environment.desired_image, environment.depth_prior_m)
    seen = [observer.observe(environment.image()) for _ in range(images)]
    odometry = Odometry(environment.conditions, (7, spec.index))
    for n in range(frames + 1):
        # The first answer once, the others in turn.
        newest = seen[n if n < images else 1 + n % (images - 1)]
        pose = odometry.measure(environment.T_assumed, n * PERIOD_S)
        step = servo.regulator.step(newest, n * PERIOD_S, pose)
        if step.status is not Status.SERVOING:
            break
    return newest, step


def _share_off(environment: ImageEnvironment) -> float:
    return 1e-3 * environment.translation_error_mm / environment.distance_m


def table(views: Sequence[HeldView]) -> str:
    """A row for each tool: views, how many are wrong, how many of these were called the goal."""
    lines = ["| tool | views | not at the goal | of these called converged |", "|---|--:|--:|--:|"]
    groups = {name: [v for v in views if v.perturbation == name] for name in _names(views)}
    for name, group in (groups | {"all": list(views)}).items():
        wrong, false = (sum(getattr(v, kind) for v in group) for kind in ("wrong", "false"))
        lines.append(f"| `{name}` | {len(group)} | {wrong} | {false} |")
    return "\n".join(lines)


def _names(views: Sequence[HeldView]) -> list[str]:
    return list(dict.fromkeys(view.perturbation for view in views))
