"""Qualities of service of the suite's topics (REP 2003), in one place."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _newest(reliability, durability=DurabilityPolicy.VOLATILE):
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability, durability=durability
    )


NEWEST = _newest(ReliabilityPolicy.BEST_EFFORT)
"""Images, and every subscription: a late message is worth nothing, the newest replaces it."""

OFFERED = _newest(ReliabilityPolicy.RELIABLE)
"""What we publish of small messages: reliable offers match every subscriber's request."""

LATCHED = _newest(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""States and the desired image: whoever comes late still gets the last one."""
