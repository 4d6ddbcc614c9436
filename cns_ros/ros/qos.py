"""Qualities of service of the suite's topics (REP 2003), in one place."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _newest(
    reliability: ReliabilityPolicy,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
    depth: int = 1,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability
    )


NEWEST = _newest(ReliabilityPolicy.BEST_EFFORT)
"""Images, and every subscription: a late message is worth nothing, the newest replaces it."""

SHARED = _newest(ReliabilityPolicy.BEST_EFFORT, depth=20)
"""Topics that several nodes publish parts of: one of them must not replace what another said."""

MEASURED = _newest(ReliabilityPolicy.BEST_EFFORT, depth=20)
"""Measurements between which is interpolated: while something else is done several may come."""

OFFERED = _newest(ReliabilityPolicy.RELIABLE)
"""What we publish of small messages: reliable offers match every subscriber's request."""

RECORDED = _newest(ReliabilityPolicy.RELIABLE, depth=100)
"""For whoever writes down what went by: here a late message is worth as much as any other."""

LATCHED = _newest(ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""States and the desired image: whoever comes late still gets the last one."""
