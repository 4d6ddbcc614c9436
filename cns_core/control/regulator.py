"""Closes the loop for one target: correspondences in, scaled twists and a status out."""

import time
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from cns_core.control.astray import Astray
from cns_core.control.controller import Controller
from cns_core.control.depth_prior import (
    AUTO,
    CAUTIOUS_LINEAR_M_S,
    USUAL_M,
    DepthPrior,
    Prior,
)
from cns_core.control.guide import Remaining, StructureGuide
from cns_core.control.scene_watch import SceneWatch
from cns_core.control.status import Status
from cns_core.control.step_back import StepBack
from cns_core.control.stop_rule import StopRule
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.twist import saturate

_BLIND = "too few keypoints matched for {:.1f} s: "
_PREDICTED = _BLIND + "going on by what is known of the way"
_WAITING = _BLIND + "waiting"
_STEPPING_BACK = _BLIND + "stepping back along the way"


class Timings(TypedDict, total=False):
    """Seconds spent on one frame, by stage.

    Attributes:
        observe: the observer's; absent where the correspondence was given.
        graph: work done once per target, charged to the first step after it.
        control: stop rule and controller.
    """

    observe: float
    graph: float
    control: float


@dataclass(frozen=True)
class Step:
    """What one frame led to.

    Attributes:
        twist: (6,) camera twist [vx vy vz wx wy wz], m/s and rad/s, optical frame; zero unless
            ``status`` is servoing.
        status: :class:`cns_core.control.status.Status`, equal to its lower-case name.
        error: mean keypoint error, normalized plane; inf when nothing is matched.
        timings: seconds spent, by stage.
        correspondence: the matches this step was computed from: without those that were left out
            because they are not the scene's.
        remaining: the way left, measured; None where structure is not estimated or not yet known.
        remark: what is to be said of it, empty for nothing.
        left_out: (N,) bool, desired keypoints that are not the scene's and that an observer had
            better not look for, see :class:`.SceneWatch`.
    """

    twist: NDArray[np.float64]
    status: Status
    error: float
    timings: Timings
    correspondence: Correspondence
    remaining: Remaining | None = None
    remark: str = ""
    left_out: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


class Regulator:
    """One controller with its stop rule, gain and depth prior.

    Args:
        controller: a :class:`cns_core.control.controller.Controller`.
        stop: a :class:`cns_core.control.stop_rule.StopRule`.
        gain: factor on the whole twist; the paper's loop is gain 1 at 0.04 s. The guide's own law
            is not made faster by more than 1.
        guide: a :class:`StructureGuide` that makes the controller's way metric; None for none.

    Attributes:
        limits: largest linear and angular speed, m/s and rad/s; None for none.
        steps_back: whether the camera goes back a little over its own way when it has seen nothing
            for a while.
        prior: the :class:`.DepthPrior` that the linear velocity is scaled by.
        watch: tells the scene's keypoints from those of a tool in view; None before :meth:`start`.

    Raises:
        ValueError: if ``gain`` is not positive and finite.
    """

    def __init__(
        self,
        controller: Controller,
        stop: StopRule,
        gain: float = 1.0,
        guide: StructureGuide | None = None,
    ) -> None:
        self.controller = controller
        self.stop = stop
        self.guide = guide
        self.gain = _positive("gain", gain)
        self.limits: tuple[float, float] | None = None
        self.prior = DepthPrior()
        self.steps_back = False
        self._step_back = StepBack()
        self._seen_s = np.inf
        self._going_on = ""
        self._astray = Astray()
        self._target: NDArray[np.float64] | None = None
        self._graph_s = 0.0
        self.watch: SceneWatch | None = None

    def start(
        self,
        desired: NDArray[np.float64],
        depth_prior: Prior = AUTO,
        depth_m: float | None = None,
    ) -> None:
        """Begin an episode towards (N, 2) desired keypoints in the normalized plane.

        Args:
            depth_prior: metres from the desired camera to the scene centre; scales the linear
                velocity (Eq. 3). Better too small than too large. ``'auto'`` takes what is known,
                and as long as that is nothing a guess and a low speed.
            depth_m: that distance as a depth image tells it; None without one.

        Raises:
            ValueError: if ``depth_prior`` is neither ``'auto'`` nor positive and finite.
        """
        self.prior.start(depth_prior, depth_m)
        self._target = desired
        self.watch = SceneWatch(desired, self.controller.min_matches)
        self._step_back, self._seen_s, self._astray = StepBack(), np.inf, Astray()
        if self.guide is not None:
            self.guide.start(desired)
        self._start_controller(desired)
        self.stop.start(desired)

    def _start_controller(self, desired: NDArray[np.float64]) -> None:
        before = time.perf_counter()
        self.controller.start(desired)
        self._graph_s = time.perf_counter() - before

    def step(
        self,
        correspondence: Correspondence,
        time_s: float,
        camera_pose: NDArray[np.float64] | None = None,
    ) -> Step:
        """Answer one frame's correspondence, taken at ``time_s`` on any monotonic clock.

        Args:
            camera_pose: (4, 4) T_odom_camera at that time, in any fixed frame; None where it is
                not measured.

        Raises:
            RuntimeError: if no episode was started.
            ValueError: if the correspondence belongs to another target, or the controller's
                answer is not finite (the caller must then stop).
        """
        if self._target is None or self.watch is None:
            raise RuntimeError("no desired image: call start() first")
        if not correspondence.same_target(self._target):
            raise ValueError("the correspondence belongs to another desired image")
        before = time.perf_counter()
        blind = correspondence.count < self.controller.min_matches
        correspondence, proven = self.watch.scene(correspondence, camera_pose)
        self._going_on = ""
        self._tell_guide()
        remaining = self._look_ahead(correspondence, time_s, camera_pose)
        earlier = self.stop.status
        self._leave_unexplained(correspondence, camera_pose)
        status = self.stop.update(
            correspondence, time_s, proven, remaining, astray=self._astray.final
        )
        if status is Status.LOST and earlier is not Status.LOST:
            # Whatever moves the view from here on, the controller's memory does not know of it.
            self._start_controller(self._target)
        twist = np.zeros(6)
        if status is Status.SERVOING:
            twist = self._blind(time_s) if blind else self._twist(correspondence, time_s)
        if not np.isfinite(twist).all():
            raise ValueError(f"the controller answered a twist that is not finite: {twist}")
        if self.limits is not None:
            twist = saturate(twist, *self.limits)
        if self.guide is not None:
            self.guide.give(twist, time_s)
        if not blind:
            self._seen_s = time_s
            self._step_back.see(time_s, twist, camera_pose)
        timings = Timings(graph=self._graph_s, control=time.perf_counter() - before)
        self._graph_s = 0.0
        error, remark = correspondence.error, self.watch.remark or self._going_on
        left_out = self.watch.left_out
        return Step(twist, status, error, timings, correspondence, remaining, remark, left_out)

    def _twist(self, correspondence: Correspondence, time_s: float) -> NDArray[np.float64]:
        """The probe's turn, or the controller's answer in metres, made better by the guide."""
        turn = self.watch.turn(time_s, self.stop.unproven) if self.watch is not None else None
        if turn is not None:
            return turn
        if correspondence.count < self.controller.min_matches:
            return np.zeros(6)
        scale = np.repeat([self.prior.metres, 1.0], 3)
        twist = self.gain * scale * self.controller.velocity(correspondence)
        if self.guide is not None:
            return self.guide.twist(twist, time_s, self.prior.cautious)
        if self.prior.cautious and np.isfinite(twist).all():
            return saturate(twist, CAUTIOUS_LINEAR_M_S, float(np.linalg.norm(twist[3:])))
        return twist

    def _blind(self, time_s: float) -> NDArray[np.float64]:
        """What to do while too little is matched: go on, stand still, or step back; and say so."""
        turn = self.watch.turn(time_s, False) if self.watch is not None else None
        if turn is not None:
            return turn  # a probe under way ends where it began
        blind_s = max(time_s - self._seen_s, 0.0)
        twist = None if self.guide is None else self.guide.predicted(time_s)
        if twist is not None:
            self._going_on = _PREDICTED.format(blind_s)
            return twist
        if self.steps_back:
            twist = self._step_back.twist(time_s, blind_s)
        if twist is None:
            self._going_on = _WAITING.format(blind_s)
            return np.zeros(6)
        self._going_on = _STEPPING_BACK.format(blind_s)
        return twist

    def _leave_unexplained(
        self, seen: Correspondence, camera_pose: NDArray[np.float64] | None
    ) -> None:
        """From the next frame on, go without matches that the camera's motion contradicts."""
        if self.guide is None or self.watch is None:
            return
        few = seen.count < self.controller.min_matches
        if few or self.stop.status is not Status.SERVOING:
            self._astray.interrupt()
            return
        explained = self.guide.scale is not None
        if self._astray.found(camera_pose, seen, explained, max(self.prior.metres, USUAL_M)):
            self.watch.distrust(seen)

    def _tell_guide(self) -> None:
        """Gain and limits may change at any time, and the guide's law is to keep them too."""
        if self.guide is not None:
            law = self.guide.law
            law.share_of_gain = self.gain
            law.limits = self.limits or (law.settings.max_linear, law.settings.max_angular)

    def _look_ahead(
        self,
        correspondence: Correspondence,
        time_s: float,
        camera_pose: NDArray[np.float64] | None,
    ) -> Remaining | None:
        """Let the guide see the frame, take its scale and return the :class:`Remaining` way."""
        if self.guide is None:
            return None
        self.guide.observe(correspondence, time_s, camera_pose)
        self.prior.measure(self.guide.scale)
        return self.guide.remaining


def _positive(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return float(value)
