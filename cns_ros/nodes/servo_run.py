"""One servo from the goal to the verdict, by calls to the nodes that do it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cns_interfaces.msg import ServoOutcome, ServoProgress
from cns_ros.nodes.servo_peers import CONTROLLER, DRIVER, OBSERVER, Peers

_ANSWER_S, _READY_S = 20.0, 5.0  # arming takes seconds
_STOP_S, _STOP_READY_S = 5.0, 1.0
_PATIENCE_S, _AGAIN_S = 5.0, 0.2  # for what refuses while it comes up
_STEADY = 3  # twists after which the arm may follow them
_SEEN = 2  # matches after which the controller has some of the new desired image
_FEEDBACK_S, _LOOK_S = 0.2, 0.1
_ACTIVE = ("servoing", "lost")


class NotReached(Exception):
    """Why a servo does not end at its goal."""


@dataclass(frozen=True)
class ServoRequest:
    """What is asked for.

    Attributes:
        goal: its name, for the outcome.
        view: makes it the observer's desired image; raises ValueError saying why not.
        tolerance_m: enough is what remains with its bound; 0 for where the controller converges.
        timeout_s: from the start of the controller.
        arm: whether the driver is to be armed, and disarmed at the end.
        silence_s: after which a node is taken for dead.

    Raises:
        ValueError: for a tolerance or a timeout that is none.
    """

    goal: str
    view: Callable[[], None]
    tolerance_m: float
    timeout_s: float
    arm: bool
    silence_s: float = 3.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.tolerance_m < math.inf:
            raise ValueError(f"tolerance must be in m and not negative, got {self.tolerance_m!r}")
        if not 0.0 < self.timeout_s < math.inf:
            raise ValueError(f"timeout must be greater than 0 s, got {self.timeout_s!r}")


class ServoRun:
    """Runs one request in the calling thread; whatever happens, the arm is stopped at its end.

    Args:
        peers: the nodes.
        request: what to do.
        feedback: told of the progress a few times a second.
        ended: why to end early (cancelled, preempted), empty to go on.
    """

    def __init__(
        self,
        peers: Peers,
        request: ServoRequest,
        feedback: Callable[[ServoProgress], None],
        ended: Callable[[], str],
    ) -> None:
        self._peers = peers
        self._request = request
        self._feedback = feedback
        self._ended = ended

    def run(self) -> ServoOutcome:
        """Servo, and tell how it ended."""
        began_s, twists = time.monotonic(), self._peers.twists
        reached, verdict = False, ""
        try:
            verdict = self._servo()
            reached = True
        except NotReached as reason:
            verdict = str(reason)
        finally:
            last = self.progress()
            unstopped = self._stop(reached)
        return ServoOutcome(
            goal=self._request.goal,
            reached=reached and not unstopped,
            verdict="; ".join(filter(None, [verdict, unstopped])),
            steps=max(self._peers.twists - twists, 0),  # of a controller that died nothing is known
            duration=time.monotonic() - began_s,
            last=last,
        )

    def progress(self) -> ServoProgress:
        """How far it has come, in SI units."""
        told = self._peers.told(CONTROLLER)
        return ServoProgress(
            goal=self._request.goal,
            status=told.message,
            cause=told.values.get("cause", ""),
            driver=self._peers.told(DRIVER).message,
            error=told.number("error"),
            matched=int(told.values.get("matched", "0")),
            image_age=told.number("image_age_s"),
            remaining_translation=1e-3 * told.number("remaining_mm"),
            remaining_translation_bound=1e-3 * told.number("remaining_mm_bound"),
            remaining_rotation=math.radians(told.number("remaining_deg")),
            remaining_rotation_bound=math.radians(told.number("remaining_deg_bound")),
        )

    def _servo(self) -> str:
        """The verdict at the goal; NotReached says why it ends elsewhere."""
        self._set_view()
        self._start()
        if self._request.arm:
            self._insist(f"{DRIVER}/arm", self._is_armed, self._is_active)
        return self._watch()

    def _set_view(self) -> None:
        self._go_on()
        try:
            self._request.view()
        except ValueError as reason:
            raise NotReached(str(reason)) from None
        seen = self._peers.matches + _SEEN
        if not self._peers.wait(lambda: self._peers.matches >= seen, _PATIENCE_S):
            raise NotReached(
                f"{OBSERVER} finds nothing within {_PATIENCE_S:.0f} s: is the camera running, and "
                "a desired image set? See its diagnosis"
            )

    def _start(self) -> None:
        """Start the controller until it gives twists, or ends at once.

        Its first frame takes longest, on a busy machine longer than it may.
        """
        peers, end_s = self._peers, time.monotonic() + _PATIENCE_S
        while True:
            steady = peers.twists + _STEADY
            peers.forget(CONTROLLER)
            self._insist(f"{CONTROLLER}/start", lambda: bool(peers.told(CONTROLLER).message))
            peers.wait(partial(self._gives_or_ended, steady), _PATIENCE_S)
            if peers.told(CONTROLLER).message != "idle" or time.monotonic() > end_s:
                return

    def _gives_or_ended(self, twists: int) -> bool:
        return self._peers.twists >= twists or not self._is_active()

    def _is_active(self) -> bool:
        return self._peers.told(CONTROLLER).message in _ACTIVE

    def _is_armed(self) -> bool:
        return self._peers.told(DRIVER).message == "armed"

    def _insist(
        self, service: str, done: Callable[[], bool], wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Call a service again while it refuses, for a reason that may pass by itself.

        Args:
            done: what its node says then.
            wanted: whether it still makes sense.
        """
        end_s, success = time.monotonic() + _PATIENCE_S, False
        while wanted() and not success:
            self._go_on()
            success, said = self._peers.call(service, _ANSWER_S, _READY_S)
            if not success and time.monotonic() > end_s:
                raise NotReached(f"{service} refused: {said}")
            if not success:
                time.sleep(_AGAIN_S)
        if success and not self._peers.wait(done, _PATIENCE_S):
            raise NotReached(f"{service} succeeded, but its node does not tell its status")

    def _watch(self) -> str:
        request, peers = self._request, self._peers
        end_s, told_s = time.monotonic() + request.timeout_s, 0.0
        watched = (CONTROLLER, DRIVER) if request.arm else (CONTROLLER,)
        peers.hail(*watched)
        while True:
            self._go_on()
            if verdict := self._verdict():
                return verdict
            for name in watched:
                if reason := peers.silent(name, request.silence_s):
                    raise NotReached(reason)
            now_s = time.monotonic()
            if now_s > end_s:
                raise NotReached(f"not there after {request.timeout_s:.1f} s: {self._words()}")
            if now_s - told_s >= _FEEDBACK_S:
                told_s = now_s
                self._feedback(self.progress())
            peers.wait_for_news(CONTROLLER, _LOOK_S)

    def _verdict(self) -> str:
        """What is said at the goal, empty on the way; NotReached if it cannot be reached."""
        progress, tolerance_m = self.progress(), self._request.tolerance_m
        left_m = progress.remaining_translation
        if progress.status in _ACTIVE:
            if self._request.arm and progress.driver != "armed":
                cause = self._peers.told(DRIVER).values.get("cause", "")
                raise NotReached(f"{DRIVER} is {progress.driver}: {cause}")
            bound_m = progress.remaining_translation_bound
            near = tolerance_m > 0.0 and left_m + bound_m <= tolerance_m
            return f"within the tolerance: {self._words()}" if near else ""
        if progress.status != "converged":
            raise NotReached(
                f"{CONTROLLER} is {progress.status}: {progress.cause or 'see its log'}"
            )
        if tolerance_m > 0.0 and left_m > tolerance_m:
            raise NotReached(
                f"converged outside the tolerance of {1e3 * tolerance_m:g} mm: {self._words()}"
            )
        return f"converged: {self._words()}"

    def _words(self) -> str:
        progress = self.progress()
        left_m = progress.remaining_translation
        if math.isnan(left_m):
            return f"keypoint error {progress.error:.2g}, the remaining motion is not known"
        bound_m = progress.remaining_translation_bound
        return f"{1e3 * left_m:.3f} mm remain, known to {1e3 * bound_m:.3f} mm"

    def _go_on(self) -> None:
        if reason := self._ended():
            raise NotReached(reason)

    def _stop(self, reached: bool) -> str:
        """Stop arm and controller; what does not obey, empty if all does."""
        problems = []
        # The arm first: a controller that hangs must not keep it waiting.
        if self._request.arm or (not reached and self._peers.told(DRIVER).message == "armed"):
            problems.append(self._order(f"{DRIVER}/disarm"))
        if not (reached and self._peers.told(CONTROLLER).message == "converged"):
            problems.append(self._order(f"{CONTROLLER}/stop"))
        return "; ".join(filter(None, problems))

    def _order(self, service: str) -> str:
        success, said = self._peers.call(service, _STOP_S, _STOP_READY_S)
        return "" if success else f"{service} failed: {said}"
