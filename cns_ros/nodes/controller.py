"""Controller node: turns matches into camera twists until the desired image is reached."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_core.control.assembly import make_regulator
from cns_core.control.depth_prior import AUTO
from cns_core.control.regulator import Regulator
from cns_core.control.session import ServoSession
from cns_core.control.session_records import Level, Matches, Now, Output
from cns_core.control.settings import ControlSettings, SessionSettings
from cns_core.record.session_trace import TracedSession
from cns_core.structure.odometry import PoseHistory
from cns_ros.nodes.controller_screen import ControllerScreen
from cns_ros.nodes.controller_status import Values, session_values
from cns_ros.nodes.depth_topic import DepthTopic
from cns_ros.nodes.left_out_topic import TellLeftOut
from cns_ros.nodes.screen_settings import ScreenSettings
from cns_ros.nodes.trace_topic import TraceTopic
from cns_ros.ros.clock import age_s, seconds
from cns_ros.ros.diagnostics import (
    ERROR,
    OK,
    WARN,
    Diagnosis,
    Diagnostics,
    Recent,
    status_message,
)
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.matches import correspondence_from_matches
from cns_ros.ros.overrides import overridable
from cns_ros.ros.parameters import Live, declare_all
from cns_ros.ros.poses_twists import pose_from_message, twist_message
from cns_ros.ros.qos import LATCHED, MEASURED, NEWEST, OFFERED
from cns_ros.ros.run import run

_AHEAD_S = 0.04  # poses come every 0.02 s and a little later; what is guessed is hardly a way
_LEVELS = {Level.OK: OK, Level.WARN: WARN, Level.ERROR: ERROR}


class ControllerNode(GuardedNode):
    """Publishes ``twist`` between ``~/start`` and the goal: a servo session as a node.

    Attributes:
        session: the :class:`.ServoSession`, which tells ``~/trace`` of its calls.
        poses: where ``tcp_pose`` said the camera was.
        depth: what ``depth_image`` tells, where somebody publishes it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("controller", **options)
        control = declare_all(self, ControlSettings)
        regulator = make_regulator(control, Regulator)
        self._settings = Live(self, SessionSettings)
        self.session = TracedSession(
            regulator,
            self._settings.value,
            idle_cause="call ~/start",
            tell=TraceTopic(self).tell,
        )
        self._header = Header()
        self._twists = 0
        self._control_ms, self._arrival_ms, self._image_age_s = Recent(), Recent(), Recent()
        self.poses = PoseHistory(ahead_s=_AHEAD_S)
        self.depth = DepthTopic(self)

        self._twist = self.create_publisher(TwistStamped, "twist", **overridable(OFFERED))
        self._left_out = TellLeftOut(self)
        self._status = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        screen = declare_all(self, ScreenSettings)
        self._screen = ControllerScreen(self, self.session, screen.goal_frame)
        self.create_subscription(PointCloud2, "matches", self._on_matches, **overridable(NEWEST))
        self.create_subscription(PoseStamped, "tcp_pose", self._on_pose, **overridable(MEASURED))
        self.create_service(Trigger, "~/start", self._on_start)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.create_service(Trigger, "~/reset", self._on_reset)
        # A clock that stands still or is set must not keep the watch from stopping the camera.
        self.create_timer(0.1, self._on_watch, clock=Clock(clock_type=ClockType.STEADY_TIME))
        Diagnostics(self, self._diagnose)
        self._publish(Output(report=self.session.report))

    def make_safe(self, reason: str) -> None:
        """End the episode: zero twists, then silence."""
        self._publish(self.session.stop(reason))

    def _now(self) -> Now:
        return Now(1e-9 * self.get_clock().now().nanoseconds, time.monotonic())

    def _on_matches(self, message: PointCloud2) -> None:
        try:
            correspondence = correspondence_from_matches(message)
        except ValueError as reason:
            self._publish(self._prepared().refuse(str(reason)))
            return
        self._header, now = message.header, self._now()
        self._arrival_ms.add(1e3 * age_s(self, message.header.stamp))
        taken_s = seconds(message.header.stamp)
        self.depth.wanted = self._settings.value.depth_prior == AUTO
        matches = Matches(
            correspondence,
            taken_s,
            now.steady_s,
            self.poses.at(taken_s),
            self.depth.distance(correspondence, taken_s),
        )
        self._publish(self._prepared().take(matches, now))
        self._screen.show_matches(correspondence, message.header)

    def _on_pose(self, message: PoseStamped) -> None:
        try:
            self.poses.add(seconds(message.header.stamp), pose_from_message(message))
            self._screen.take_pose(message)
        except ValueError as reason:
            self.get_logger().warning(f"tcp_pose refused: {reason}", throttle_duration_sec=5.0)

    def _on_watch(self) -> None:
        self._publish(self._prepared().watch(self._now()))
        self._screen.show_motion()

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        answer = self._answer(response, self._prepared().start, self._target)
        if answer.success:
            self._screen.begin()
        return answer

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._answer(response, self._prepared().reset, lambda: "memory cleared")

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._publish(self._prepared().stop("stopped by ~/stop"))
        response.success, response.message = True, "stopped"
        return response

    def _target(self) -> str:
        matches = self.session.matches
        return f"servoing to {len(matches.correspondence.desired) if matches else 0} keypoints"

    def _answer(
        self,
        response: Trigger.Response,
        act: Callable[[Now], Output],
        success: Callable[[], str],
    ) -> Trigger.Response:
        """Do what a service asks for, and tell how it went."""
        try:
            self._publish(act(self._now()))
        except ValueError as reason:
            response.success, response.message = False, str(reason)
        else:
            response.success, response.message = True, success()
        return response

    def _prepared(self) -> ServoSession:
        """The session with the parameters' present values."""
        self.session.settings = self._settings.value
        return self.session

    def _publish(self, output: Output) -> None:
        """Publish what the session gives, and log why an episode ended that should not have."""
        if output.step is not None:
            self._control_ms.add(1e3 * output.step.timings["control"])
        if output.twist is not None:
            # Stamped with the time of sending; the image's own goes into the status as its age.
            stamp = self.get_clock().now().to_msg()
            header = Header(stamp=stamp, frame_id=self._header.frame_id)
            self._twist.publish(twist_message(output.twist, header))
            self._twists += 1
            self._screen.take_twist(output.twist)
            self._image_age_s.add(age_s(self, self._header.stamp))
        self._left_out.tell(self.session, output.step, self._header)
        if (report := output.report) is not None:
            if report.level is not Level.OK and not report.status.is_active:
                why = f": {report.cause}" if report.cause else ""
                self.get_logger().warning(f"{report.status}{why}")
            level, text = _LEVELS[report.level], str(report.status)
            self._status.publish(status_message("controller", level, text, self._values()))

    def _values(self) -> Values:
        """What status and diagnostics both tell."""
        values = session_values(self.session) | {"twists": self._twists}
        if self.depth.problem:
            values["depth_image"] = self.depth.problem
        if (newest := self._image_age_s.newest) is not None:
            values["image_age_s"] = newest
        values |= self._arrival_ms.figures("arrival_ms") | self._control_ms.figures("control_ms")
        return values | self._image_age_s.figures("image_age_s")

    def _diagnose(self) -> Diagnosis:
        report = self.session.report
        return _LEVELS[report.level], str(report.status), self._values()


def main() -> int:
    """Entry point of the ``controller`` executable."""
    return run(ControllerNode)


if __name__ == "__main__":
    raise SystemExit(main())
