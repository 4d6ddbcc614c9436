"""Closes the loop for one target: correspondences in, scaled twists and a status out."""

import time
from dataclasses import dataclass, field

import numpy as np

from cns_core.control.stop import Status


@dataclass(frozen=True)
class Step:
    """What one frame led to.

    Attributes:
        twist: (6,) camera twist [vx vy vz wx wy wz], m/s and rad/s, optical frame; zero unless
            ``status`` is servoing.
        status: :class:`cns_core.control.stop.Status`, equal to its lower-case name.
        error: mean keypoint error, normalized plane; inf when nothing is matched.
        timings: seconds spent, by stage; ``graph`` is the work done once per target and is
            charged to the first step after it.
        correspondence: the matches this step was computed from.
    """

    twist: np.ndarray
    status: Status
    error: float
    timings: dict = field(default_factory=dict)
    correspondence: object = None


class Regulator:
    """One controller with its stop rule, gain and depth prior.

    Args:
        controller: a :class:`cns_core.control.controller.Controller`.
        stop: a stop rule, see :mod:`cns_core.control.stop`.
        gain: factor on the whole twist; the paper's loop is gain 1 at 0.04 s.

    Raises:
        ValueError: if ``gain`` is not positive and finite.
    """

    def __init__(self, controller, stop, gain=1.0):
        self.controller = controller
        self.stop = stop
        self.gain = _positive("gain", gain)
        self._scale = None
        self._target = None
        self._graph_s = 0.0

    def start(self, desired, depth_prior=0.5):
        """Begin an episode towards (N, 2) desired keypoints in the normalized plane.

        Args:
            depth_prior: metres from the desired camera to the scene centre; scales the linear
                velocity (Eq. 3). Better too small than too large.

        Raises:
            ValueError: if ``depth_prior`` is not positive and finite.
        """
        self.set_depth_prior(depth_prior)
        self._target = desired
        self._start_controller()
        self.stop.start(desired)

    def _start_controller(self):
        before = time.perf_counter()
        self.controller.start(self._target)
        self._graph_s = time.perf_counter() - before

    def set_depth_prior(self, depth_prior):
        """Change the depth prior (m) without restarting the episode."""
        self._scale = np.repeat([_positive("depth_prior", depth_prior), 1.0], 3)

    def step(self, correspondence, time_s):
        """Answer one frame's correspondence, taken at ``time_s`` on any monotonic clock.

        Raises:
            RuntimeError: if no episode was started.
            ValueError: if the correspondence belongs to another target, or the controller's
                answer is not finite (the caller must then stop).
        """
        if self._target is None:
            raise RuntimeError("no desired image: call start() first")
        if not correspondence.same_target(self._target):
            raise ValueError("the correspondence belongs to another desired image")
        before = time.perf_counter()
        earlier, status = self.stop.status, self.stop.update(correspondence, time_s)
        if status is Status.LOST and earlier is not Status.LOST:
            # Whatever moves the view from here on, the controller's memory does not know of it.
            self._start_controller()
        twist = np.zeros(6)
        if status is Status.SERVOING and correspondence.count >= self.controller.min_matches:
            twist = self.gain * self._scale * self.controller.velocity(correspondence)
        if not np.isfinite(twist).all():
            raise ValueError(f"the controller answered a twist that is not finite: {twist}")
        timings = {"graph": self._graph_s, "control": time.perf_counter() - before}
        self._graph_s = 0.0
        return Step(twist, status, correspondence.error, timings, correspondence)


def _positive(name, value):
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return float(value)
