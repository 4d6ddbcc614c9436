"""Runs one episode and measures it."""

from collections import deque
from dataclasses import asdict

import cv2
import numpy as np

from cns_core.bench.loop.conditions import PERTURBATIONS
from cns_core.bench.loop.environments import affine_environment, render_environment
from cns_core.bench.loop.measures import measure
from cns_core.bench.loop.methods import ImageServo, PointsServo, build_controller
from cns_core.control.stop import Status

DT_S = 0.04
MAX_STEPS = 600
_STRIP_EVERY = 10


def build_environment(spec):
    """The environment of a :class:`~cns_core.bench.loop.plan.Spec` in its initial state."""
    conditions = PERTURBATIONS[spec.perturbation]
    if spec.environment == "points":
        # The simulator brings in PyTorch, which rendered classical episodes do without.
        from cns_core.bench.loop.points import points_environment

        return points_environment(spec.section, spec.index, conditions)
    make = {"render": render_environment, "affine": affine_environment}[spec.environment]
    return make(spec.section, spec.index, conditions)


def build_servo(spec, environment, controller=None):
    """The servo of a spec; ``controller`` replaces the one it names."""
    controller = controller or build_controller(spec.controller, environment, spec.weights)
    if spec.environment == "points":
        return PointsServo(environment, controller, spec.verify, spec.stop)
    return ImageServo(environment, spec.observer, controller, spec.verify, spec.stop)


def run_episode(spec, controller=None, max_steps=MAX_STEPS, watch=None):
    """Servo until the stop rule ends it or ``max_steps`` have passed.

    Args:
        spec: :class:`~cns_core.bench.loop.plan.Spec`.
        controller: in place of the spec's own.
        watch: called each frame with the environment, the :class:`Step` and the image or None.

    Returns:
        A dict of plain values: the spec, its key, ``status``, the figures of
        :func:`.measure` and the ``trace``; and a list of small BGR images
        of the way, the goal last, empty where there are none.
    """
    cv2.setRNGSeed(0)
    environment = build_environment(spec)
    record = {"key": spec.key, "scene": spec.scene, "spec": asdict(spec), "note": ""}
    record["goal_m"] = environment.T_goal[:3, 3].tolist()
    try:
        servo = build_servo(spec, environment, controller)
    except ValueError as error:  # such as a desired image without texture
        record |= {"note": str(error), "status": "refused"}
        trace = _Trace()
        trace.add(environment, None)
        return record | measure(trace.arrays(), DT_S), []
    trace, strip = _Trace(), []

    def note(step, image):
        trace.add(environment, step)
        if image is not None and len(trace) % _STRIP_EVERY == 1:
            strip.append(_thumbnail(image))
        if watch is not None:
            watch(environment, step, image)

    try:
        record["status"] = str(_loop(spec, environment, servo, note, max_steps))
    finally:
        servo.close()
    if strip:
        strip.append(_thumbnail(environment.desired_image))
    trace.add(environment, None)
    arrays = trace.arrays()
    return record | measure(arrays, DT_S) | {"trace": _compact(arrays)}, strip


def _loop(spec, environment, servo, note, max_steps):
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


class _Trace:
    """What happened at each frame."""

    def __init__(self):
        self._rows = []

    def __len__(self):
        return len(self._rows)

    def add(self, environment, step):
        """Note the environment's truth and, unless None, the servo's :class:`Step`."""
        timings = {} if step is None else step.timings
        self._rows.append(
            {
                "time_s": environment.time_s,
                "position_m": environment.T[:3, 3].copy(),
                "rotation_error_deg": environment.rotation_error_deg,
                "translation_error_mm": environment.translation_error_mm,
                "keypoint_error": np.nan if step is None else step.error,
                "matched": 0 if step is None else step.correspondence.count,
                "observe_ms": 1e3 * timings.get("observe", np.nan),
                "control_ms": 1e3 * timings.get("control", np.nan),
                "graph_ms": 1e3 * timings.get("graph", np.nan),
            }
        )

    def arrays(self):
        """One array a column, first dimension the frames."""
        return {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}


def _compact(arrays):
    """The columns that plots need, rounded, as lists."""
    names = ("time_s", "position_m", "rotation_error_deg", "translation_error_mm", "matched")
    return {name: np.round(arrays[name].astype(float), 5).tolist() for name in names}


def _thumbnail(image):
    return cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
