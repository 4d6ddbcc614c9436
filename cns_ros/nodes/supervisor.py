"""Supervisor node: one action instead of three services, and goals with names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

try:
    from cns_interfaces.action import Servo, ServoSequence
except ImportError as reason:
    raise ImportError(
        "cns_interfaces is not installed: build it with colcon, or where no ROS is installed "
        "pip install cns_interfaces/wheels/*.whl"
    ) from reason
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor

from cns_core.goals.names import NOW
from cns_interfaces.msg import ServoOutcome, ServoProgress
from cns_ros.nodes.goal_services import GoalServices
from cns_ros.nodes.servo_peers import OBSERVER, Peers
from cns_ros.nodes.servo_run import ServoRequest, ServoRun
from cns_ros.nodes.supervisor_settings import SupervisorSettings
from cns_ros.ros.diagnostics import OK, Diagnosis, Diagnostics
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.parameters import declare_all, read_all
from cns_ros.ros.run import run

_MOST_REQUESTS = 3
THREADS = 8
"""As many requests (one under way, others to take its place), services of goals, what they hear."""
_SET_S, _READY_S = 10.0, 5.0


class SupervisorNode(GuardedNode):
    """Serves ``~/servo`` and ``~/servo_sequence`` by the services of the other nodes.

    To be spun by an executor of at least ``THREADS`` threads.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("supervisor", **options)
        settings = declare_all(self, SupervisorSettings)
        waiting = ReentrantCallbackGroup()
        self._peers = Peers(self, MutuallyExclusiveCallbackGroup())
        self._goals = GoalServices(self, settings, self._peers, waiting)
        self._turn = threading.Lock()  # whose servo it is
        self._newest: ServerGoalHandle | None = None
        self._doing = ""
        self._ending = False
        self._places = threading.BoundedSemaphore(_MOST_REQUESTS)
        serve = partial(
            ActionServer,
            self,
            goal_callback=self._admit,
            handle_accepted_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=waiting,
        )
        self._servers = [
            serve(Servo, "~/servo", self._serve_one),
            serve(ServoSequence, "~/servo_sequence", self._serve_sequence),
        ]
        Diagnostics(self, self._diagnose)

    def destroy_node(self) -> None:
        """End the servo under way, then the node."""
        self._ending = True
        for server in self._servers:
            server.destroy()
        super().destroy_node()

    def _admit(self, _: object) -> GoalResponse:
        """Each request holds a thread until its turn has come: there must be some left."""
        return GoalResponse.ACCEPT if self._places.acquire(blocking=False) else GoalResponse.REJECT

    def _accept(self, handle: ServerGoalHandle) -> None:
        self._newest = handle  # whoever else is under way sees it and ends
        handle.execute()

    def _serve_one(self, handle: ServerGoalHandle) -> Servo.Result:
        asked = handle.request
        with self._my_turn():
            outcome = self._servo(handle, asked.goal, lambda p: Servo.Feedback(progress=p))
        self._end(handle, outcome.reached)
        return Servo.Result(outcome=outcome)

    def _serve_sequence(self, handle: ServerGoalHandle) -> ServoSequence.Result:
        outcomes: list[ServoOutcome] = []
        with self._my_turn():
            for index, goal in enumerate(handle.request.goals):

                def feedback(progress: ServoProgress, index: int = index) -> ServoSequence.Feedback:
                    return ServoSequence.Feedback(index=index, progress=progress)

                outcomes.append(self._servo(handle, goal, feedback))
                if not outcomes[-1].reached:
                    break
        reached = bool(outcomes) and all(each.reached for each in outcomes)
        self._end(handle, reached)
        verdict = f"all {len(outcomes)} goals reached"
        if not outcomes:
            verdict = "there are no goals in the sequence: name one at least"
        elif not reached:
            verdict = f"goal {len(outcomes)}, {outcomes[-1].goal!r}: {outcomes[-1].verdict}"
        return ServoSequence.Result(reached=reached, verdict=verdict, outcomes=outcomes)

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Wait until no other request is under way; gives the place free at the end."""
        try:
            with self._turn:
                yield
        finally:
            self._places.release()

    def _servo(
        self, handle: ServerGoalHandle, goal: str, feedback: Callable[[ServoProgress], Any]
    ) -> ServoOutcome:
        settings, asked = read_all(self, SupervisorSettings), handle.request
        try:
            request = ServoRequest(
                goal,
                partial(self._set_view, goal),
                asked.tolerance,
                asked.timeout or settings.timeout_s,
                asked.arm,
                settings.silence_s,
            )
        except ValueError as reason:
            return ServoOutcome(goal=goal, verdict=str(reason))
        self._doing = f"servoing to {goal or 'the desired image that is set'}"

        def publish(progress: ServoProgress) -> None:
            handle.publish_feedback(feedback(progress))

        try:
            outcome = ServoRun(self._peers, request, publish, partial(self._why_end, handle)).run()
        finally:
            self._doing = ""
        if self.context.ok():
            self.get_logger().info(f"{goal!r}: {outcome.verdict}")
        return outcome

    def _set_view(self, goal: str) -> None:
        if goal == NOW:
            is_set, said = self._peers.call(f"{OBSERVER}/set_desired", _SET_S, _READY_S)
            if not is_set:
                raise ValueError(f"{OBSERVER}/set_desired refused: {said}")
        elif goal:
            self._goals.make_desired(goal)

    def _why_end(self, handle: ServerGoalHandle) -> str:
        if handle.is_cancel_requested:
            return "cancelled"
        if self._ending or not self.context.ok():
            return "the supervisor ends"
        return "" if handle is self._newest else "another request has taken its place"

    def _end(self, handle: ServerGoalHandle, reached: bool) -> None:
        if not self.context.ok():
            return  # nobody can be told
        if handle.is_cancel_requested:
            handle.canceled()
        elif reached:
            handle.succeed()
        else:
            handle.abort()

    def _diagnose(self) -> Diagnosis:
        return OK, self._doing or "idle", {"goals_folder": self._goals.store.folder}


def main() -> int:
    """Entry point of the ``supervisor`` executable."""
    return run(SupervisorNode, partial(MultiThreadedExecutor, THREADS))


if __name__ == "__main__":
    raise SystemExit(main())
