"""Runs one episode and measures it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.bench.loop.conditions import conditions_of
from cns_core.bench.loop.environments import (
    Environment,
    affine_environment,
    render_environment,
    tabletop_environment,
)
from cns_core.bench.loop.measures import measure
from cns_core.bench.loop.odometry import Odometry
from cns_core.bench.loop.photo import card_environment, stereo_environment
from cns_core.bench.loop.picture import picture_environment
from cns_core.bench.loop.plan import Spec
from cns_core.bench.loop.poster import MAX_STEPS as POSTER_STEPS
from cns_core.bench.loop.poster import poster_environment
from cns_core.bench.loop.servos import ImageServo, PointsServo, build_method
from cns_core.bench.loop.verdict import Verdict, summarize, verdict_trace
from cns_core.bench.methods.built_in import STRUCTURE
from cns_core.bench.methods.direct_servo import DirectServo
from cns_core.bench.methods.method import Method
from cns_core.control.controller import Controller
from cns_core.control.regulator import Step
from cns_core.control.status import Status
from cns_core.record.step_record import StepRecord, column

DT_S = 0.04
MAX_STEPS = 600
_STRIP_EVERY = 10
_MEASURED = (
    *("time_s", "position_m", "rotation_error_deg", "translation_error_mm", "keypoint_error"),
    *("matched", "observe_ms", "control_ms", "graph_ms"),
)
_LENGTHS = ("position_m", "translation_error_mm")
_KEPT = ("time_s", "position_m", "rotation_error_deg", "translation_error_mm", "matched")

_MAKERS = {
    "render": render_environment,
    "affine": affine_environment,
    "tabletop": tabletop_environment,
    "picture": picture_environment,
    "poster": poster_environment,
    "stereo": stereo_environment,
    "cards": card_environment,
}

Image = np.ndarray
Servo = ImageServo | PointsServo | DirectServo
Watch = Callable[[StepRecord, Step, "Image | None"], None]


def build_environment(spec: Spec) -> Any:
    """The environment of a :class:`~cns_core.bench.loop.plan.Spec` in its initial state."""
    conditions = conditions_of(spec.perturbation)
    if spec.environment == "points":
        # The simulator brings in PyTorch, which rendered classical episodes do without.
        from cns_core.bench.loop.points import points_environment

        return points_environment(spec.section, spec.index, conditions)
    return _MAKERS[spec.environment](spec.section, spec.index, conditions, spec.renderer)


def build_servo(spec: Spec, environment: Any, controller: Controller | None = None) -> Servo:
    """The servo of a spec; ``controller`` replaces the one it names.

    Raises:
        ValueError: for a method that the environment cannot serve, or a desired image that the
            method refuses.
    """
    if controller is not None:
        method = Method(controller=controller)
    else:
        method = build_method(spec.controller, environment, DT_S, spec.verify, spec.weights)
    images = spec.environment != "points"
    if method.direct is not None and images:
        return DirectServo(environment, method.direct)
    if method.controller is None:
        raise ValueError(f"{spec.controller} goes by images: {spec.environment} has none")
    odometry = None
    if spec.controller == STRUCTURE:
        odometry = Odometry(environment.conditions, (7, spec.index))
    if not images:
        return PointsServo(environment, method.controller, spec.verify, spec.stop, odometry)
    observer = method.observer or spec.observer
    return ImageServo(environment, observer, method.controller, spec.verify, spec.stop, odometry)


def run_episode(
    spec: Spec,
    controller: Controller | None = None,
    max_steps: int | None = None,
    watch: Watch | None = None,
) -> tuple[dict[str, Any], list[Image]]:
    """Servo until the stop rule ends it or ``max_steps`` have passed.

    Args:
        controller: in place of the spec's own.
        max_steps: None for as many as the environment allows.
        watch: called each frame with its record, the servo's step and the image or None.

    Returns:
        A dict of plain values: the spec, its key, ``status``, the metrics of :func:`.measure` and
        the ``trace``; and small BGR images of the way, the goal last, empty where there are none.
    """
    cv2.setRNGSeed(0)
    if max_steps is None:
        max_steps = POSTER_STEPS if spec.environment == "poster" else MAX_STEPS
    environment = build_environment(spec)
    record = {"key": spec.key, "scene": spec.scene, "spec": asdict(spec), "note": ""}
    scale = environment.conditions.scene_scale
    record["goal_m"] = (environment.T_goal[:3, 3] / scale).tolist()
    try:
        servo = build_servo(spec, environment, controller)
    except ValueError as error:  # such as a desired image without texture
        record |= {"note": str(error), "status": "refused"}
        return record | measure(_columns([_rest(environment)], scale), DT_S), []
    steps: list[StepRecord] = []
    strip: list[Image] = []
    verdicts: list[Verdict] = []

    def note(step: Step, image: Image | None) -> None:
        steps.append(_seen(environment, step))
        if spec.controller == STRUCTURE:
            verdicts.append(Verdict.of(step.remaining, servo.motion, environment))
        if image is not None and len(steps) % _STRIP_EVERY == 1:
            strip.append(_thumbnail(image))
        if watch is not None:
            watch(steps[-1], step, image)

    try:
        record["status"] = str(_loop(spec, environment, servo, note, max_steps))
    finally:
        servo.close()
    if strip:
        strip.append(_thumbnail(environment.desired_image))
    columns = _columns([*steps, _rest(environment)], scale)
    trace = _trace(columns) | verdict_trace(verdicts)
    return record | measure(columns, DT_S) | summarize(verdicts) | {"trace": trace}, strip


def _loop(
    spec: Spec,
    environment: Environment,
    servo: Servo,
    note: Callable[[Step, Image | None], None],
    max_steps: int,
) -> Status | str:
    """Observe, decide, move, until the servo is done; the final status."""
    conditions = environment.conditions
    rng = np.random.default_rng([4, spec.index])
    pending = deque([np.zeros(6)] * conditions.delay_frames)
    twist = np.zeros(6)
    for n in range(max_steps):
        if n == 0 or rng.random() >= conditions.drop_share:
            step, image = servo.step()
            note(step, image)
            if step.status is not Status.SERVOING:
                return step.status
            pending.append(step.twist)
            twist = pending.popleft()
        environment.apply(twist, DT_S)
    return "timeout"


def _seen(environment: Environment, step: Step) -> StepRecord:
    """The record of one frame, whose image is as old as the simulated loop: not at all."""
    return StepRecord.towards(
        environment.T_goal,
        environment.T,
        environment.time_s,
        twist=step.twist,
        keypoint_error=step.error,
        matched=step.correspondence.count,
        image_age_s=0.0,
        timings=step.timings,
    )


def _rest(environment: Environment) -> StepRecord:
    """Where the camera stands when nothing more is observed."""
    return StepRecord.towards(environment.T_goal, environment.T, environment.time_s)


def _columns(steps: Sequence[StepRecord], scale: float) -> dict[str, NDArray[np.float64]]:
    """What :func:`.measure` takes: one array a name, first dimension the frames.

    Lengths are those of the scene at its own scale, so that success means the same at any.
    """
    columns = {name: column(steps, name) for name in _MEASURED}
    for name in _LENGTHS:
        columns[name] = columns[name] / scale
    return columns


def _trace(columns: dict[str, NDArray[np.float64]]) -> dict[str, list[Any]]:
    """The columns that plots need, rounded, as lists."""
    return {name: np.round(columns[name], 5).tolist() for name in _KEPT}


def _thumbnail(image: Image) -> Image:
    return cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
