"""Qualities of service that a user may override by parameters, on the topics that need it."""

from __future__ import annotations

from copy import copy
from typing import TypedDict

from rclpy.qos import QoSPolicyKind, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

# Not the depth: the newest message replaces all before it, whoever sends them.
_KINDS = (QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY, QoSPolicyKind.DEADLINE)


class QosArguments(TypedDict):
    """Keyword arguments of rclpy's ``create_publisher`` and ``create_subscription``."""

    qos_profile: QoSProfile
    qos_overriding_options: QoSOverridingOptions


def overridable(qos: QoSProfile) -> QosArguments:
    """A quality of service and its parameters ``qos_overrides./TOPIC.publisher.reliability``, ...

    Each entity gets a profile of its own: rclpy writes what is overridden into the one it is given.
    """
    return {"qos_profile": copy(qos), "qos_overriding_options": QoSOverridingOptions(_KINDS)}
