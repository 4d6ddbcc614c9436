"""Controller node: turns matches into camera twists until the desired image is reached."""

import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from cns_core.control.factory import CONTROLLERS, STOP_RULES, make_controller, make_stop_rule
from cns_core.control.regulator import Regulator
from cns_core.control.status import Status
from cns_core.control.terminal_correction import TERMINAL_CORRECTIONS
from cns_core.geometry.twist import saturate
from cns_ros.nodes.graph_markers import graph_markers
from cns_ros.ros.diagnostics import (
    ERROR,
    OK,
    WARN,
    Diagnostics,
    Recent,
    age_s,
    seconds,
    status_message,
)
from cns_ros.ros.messages import correspondence_from_matches, twist_message
from cns_ros.ros.parameters import declare
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run

_LEVELS = {Status.LOST: WARN, Status.DIVERGED: ERROR}
_FRESH_S = 1.0


class ControllerNode(Node):
    """Keeps the controller's memory and publishes ``twist`` between ``~/start`` and the goal."""

    def __init__(self, **options):
        super().__init__("controller", **options)
        name = declare(
            self, "controller", "cns", "control law", choices=CONTROLLERS, read_only=True
        )
        weights = declare(
            self,
            "weights",
            "",
            "CNS weights file, ours or the authors'; empty for the one shipped",
            read_only=True,
        )
        terminal = declare(
            self,
            "terminal",
            "ibvs",
            "what corrects the policy near the goal",
            choices=TERMINAL_CORRECTIONS,
            read_only=True,
        )
        stop = declare(
            self,
            "stop",
            "default",
            "when to stop",
            choices=("default", *STOP_RULES),
            read_only=True,
        )
        self._declare_tunables()
        controller = make_controller(name, weights=weights or None, terminal=terminal)
        self._regulator = Regulator(controller, make_stop_rule(stop))
        self._status, self._cause = Status.IDLE, "call ~/start"
        self._step = self._correspondence = self._header = None
        # Of the newest matches, and of the newest ones from an image that may move something.
        self._received = self._fresh_at = 0.0
        self._zeros_left = 0
        self._control_ms, self._image_age_s = Recent(), Recent()

        self._twist = self.create_publisher(TwistStamped, "twist", OFFERED)
        self._status_topic = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        self._graph = self.create_publisher(MarkerArray, "~/graph", OFFERED)
        self.create_subscription(PointCloud2, "matches", self._on_matches, NEWEST)
        for service in ("start", "stop", "reset"):
            self.create_service(Trigger, f"~/{service}", getattr(self, f"_on_{service}"))
        # A clock that stands still or is set must not keep the watch from stopping the camera.
        self.create_timer(0.1, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME))
        Diagnostics(self, self._diagnose)
        self._publish_status()

    def _declare_tunables(self):
        """Parameters that take effect at the next frame."""
        declare(
            self,
            "depth_prior",
            0.5,
            "distance from the desired camera to the scene centre; rather too small than too large",
            unit="m",
            range=(0.01, 100.0),
        )
        declare(self, "gain", 1.0, "factor on the twist", range=(0.01, 10.0))
        declare(self, "max_linear", 0.25, "largest linear speed", unit="m/s", range=(0.0, 2.0))
        declare(self, "max_angular", 1.0, "largest angular speed", unit="rad/s", range=(0.0, 4.0))
        declare(
            self,
            "matches_timeout",
            0.5,
            "time without matches from a fresh image after which the episode is stopped",
            unit="s",
            range=(0.05, 10.0),
        )
        declare(
            self,
            "max_image_age",
            0.5,
            "the camera stands still when the image behind a twist is older",
            unit="s",
            range=(0.02, 10.0),
        )
        declare(self, "stop_zeros", 5, "zero twists sent when stopping", range=(1, 100))

    def _value(self, name):
        return self.get_parameter(name).value

    def _on_matches(self, message):
        try:
            self._correspondence = correspondence_from_matches(message)
        except ValueError as reason:
            self._finish(Status.IDLE, f"matches refused: {reason}", ERROR)
            return
        self._header, self._received = message.header, time.monotonic()
        if not self._too_old():
            self._fresh_at = self._received
        if self._is_active():
            self._servo()
        elif self._zeros_left:
            self._publish_zero()
        if self._graph.get_subscription_count():
            markers = graph_markers(
                self._regulator.controller.graph,
                self._correspondence,
                self._header,
            )
            self._graph.publish(markers)

    def _is_active(self):
        return self._status in (Status.SERVOING, Status.LOST)

    def _servo(self):
        before = time.perf_counter()
        try:
            self._regulator.gain = self._value("gain")
            self._regulator.set_depth_prior(self._value("depth_prior"))
            step = self._regulator.step(self._correspondence, seconds(self._header.stamp))
        except ValueError as reason:
            self._finish(Status.IDLE, str(reason), ERROR)
            return
        self._step = step
        self._control_ms.add(1e3 * (time.perf_counter() - before))
        if step.status in (Status.CONVERGED, Status.DIVERGED):
            self._finish(step.status, "", _LEVELS.get(step.status, OK))
            return
        self._status, self._cause = step.status, self._too_old()
        twist = np.zeros(6) if self._cause else step.twist
        self._publish_twist(saturate(twist, self._value("max_linear"), self._value("max_angular")))
        self._publish_status(WARN if self._cause else _LEVELS.get(step.status, OK))

    def _too_old(self):
        """Why the image is too old to move by, or an empty string."""
        image_age_s = age_s(self, self._header.stamp)
        if image_age_s <= self._value("max_image_age"):
            return ""
        return f"the image is {image_age_s:.2f} s old: slow machine, or clocks that differ"

    def _publish_twist(self, twist):
        """Stamp with the time of sending; the image's own time goes into status as its age."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._header.frame_id)
        self._twist.publish(twist_message(twist, header))
        self._image_age_s.add(age_s(self, self._header.stamp))

    def _publish_zero(self):
        self._zeros_left -= 1
        self._publish_twist(np.zeros(6))

    def _finish(self, status, cause, level=OK):
        """Leave the episode: zero twists, then silence."""
        if self._is_active():
            self._zeros_left = self._value("stop_zeros")
            self._publish_zero()
        self._status, self._cause = status, cause
        if level != OK:
            self.get_logger().warning(f"{status}: {cause}" if cause else str(status))
        self._publish_status(level)

    def _watch(self):
        """Stop when nothing fresh is observed, and send the zeros that no frame asks for."""
        silence_s = time.monotonic() - self._fresh_at
        if self._is_active() and silence_s > self._value("matches_timeout"):
            self._finish(Status.IDLE, self._cause or f"no matches for {silence_s:.2f} s", ERROR)
        elif self._zeros_left and not self._is_active():
            self._publish_zero()

    def _on_start(self, request, response):
        refusal = self._start()
        response.success = refusal is None
        response.message = refusal or f"servoing to {len(self._correspondence.desired)} keypoints"
        return response

    def _start(self):
        """Begin an episode towards the newest matches' target; return why not, or None."""
        if self._correspondence is None:
            return "no matches received yet: is a desired image set?"
        silence_s = time.monotonic() - self._received
        if silence_s > _FRESH_S:
            return f"the newest matches came {silence_s:.1f} s ago: the observer is silent"
        if reason := self._too_old():
            return reason
        needed = self._regulator.controller.min_matches
        if self._correspondence.count < needed:
            return f"{self._correspondence.count} keypoints matched, {needed} are needed"
        try:
            self._regulator.start(self._correspondence.desired, self._value("depth_prior"))
        except ValueError as reason:
            return str(reason)
        self._zeros_left = 0
        self._status, self._cause = Status.SERVOING, ""
        self._publish_status()
        return None

    def _on_stop(self, request, response):
        self._finish(Status.IDLE, "stopped by ~/stop")
        response.success, response.message = True, "stopped"
        return response

    def _on_reset(self, request, response):
        """Forget the controller's memory; an episode under way begins anew."""
        refusal = self._start() if self._is_active() else None
        response.success = refusal is None
        response.message = refusal or "memory cleared"
        return response

    def _values(self):
        """What status and diagnostics both tell."""
        values = {"cause": self._cause}
        if self._step is not None:
            values["error"] = float(self._step.error)
            values["matched"] = self._step.correspondence.count
        values["terminal_share"] = self._regulator.controller.terminal_share
        if self._image_age_s.count:
            values["image_age_s"] = self._image_age_s.newest
        return values | self._image_age_s.figures("image_age_s")

    def _publish_status(self, level=OK):
        self._status_topic.publish(
            status_message("controller", level, str(self._status), self._values())
        )

    def _diagnose(self):
        level = _LEVELS.get(self._status, OK)
        return level, str(self._status), self._values() | self._control_ms.figures("control_ms")


def main():
    """Entry point of the ``controller`` executable."""
    return run(ControllerNode)


if __name__ == "__main__":
    raise SystemExit(main())
