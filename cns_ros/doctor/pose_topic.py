"""The camera's pose as the driver tells it."""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import PoseStamped

from cns_ros.doctor.finding import Finding, ok, skipped, warn
from cns_ros.doctor.listener import Listener
from cns_ros.ros.clock import now_s, seconds
from cns_ros.ros.qos import NEWEST

_DISCOVER_S, _PATIENCE_S, _LISTEN_S = 2.0, 5.0, 0.5
_SLOW_HZ, _OLD_S = 20.0, 0.1


def examine_pose(listener: Listener, expected: bool) -> Finding:
    """Look at ``tcp_pose``, which terminal ``structure`` goes by.

    Args:
        expected: whether there should be one, so that it is waited for.
    """
    node = listener.node
    arrivals_s: list[float] = []
    ages_s: list[float] = []

    def take(message: PoseStamped) -> None:
        arrivals_s.append(time.monotonic())
        ages_s.append(now_s(node) - seconds(message.header.stamp))

    patience_s = _PATIENCE_S if expected else _DISCOVER_S
    topic = node.create_subscription(PoseStamped, "tcp_pose", take, NEWEST).topic_name
    if not listener.until(lambda: node.get_publishers_info_by_topic(topic), patience_s):
        return skipped("tcp_pose", f"nobody publishes {topic}", "start the driver and look again")
    if not listener.until(lambda: len(arrivals_s) > 1, _PATIENCE_S):
        seen = f"{topic} is silent: its driver has no connection to a robot"
        return warn("tcp_pose", seen, "the driver's ~/status says why")
    listener.listen(_LISTEN_S)
    rate_hz = (len(arrivals_s) - 1) / (arrivals_s[-1] - arrivals_s[0])
    age_s = float(np.median(ages_s))
    seen = f"{rate_hz:.0f} Hz, {1e3 * age_s:.0f} ms old on arrival"
    if rate_hz < _SLOW_HZ or not abs(age_s) < _OLD_S:
        return warn("tcp_pose", seen, "load, network, and the clocks of both machines")
    return ok("tcp_pose", seen)
