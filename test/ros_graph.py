"""A small real ROS graph in the test's own process, spun until what is awaited has come."""

import time

import rclpy
from rclpy.parameter import Parameter

from cns_ros.ros.participation import Participation
from cns_ros.ros.trigger_client import TriggerClient

PATIENCE_S = 30.0
"""How long a broken test waits before it fails; one that passes never waits so long."""


class RosGraph(Participation):
    """Nodes of one domain and a test node, in one executor.

    Args:
        domain: ROS domain id, see the ``ros_domain`` fixture.
    """

    def __init__(self, domain):
        super().__init__(domain_id=domain)
        self.node = self.add(rclpy.create_node("test"))
        self._triggers = TriggerClient(self.node, self.executor)

    def collect(self, kind, topic, qos):
        """List that fills with the messages of a topic."""
        received = []
        self.node.create_subscription(kind, topic, received.append, qos)
        return received

    def until(self, condition, do=None):
        """Spin until ``condition()``, calling ``do()`` every tenth of a second meanwhile."""
        end, again = time.monotonic() + PATIENCE_S, 0.0
        while not condition():
            assert time.monotonic() < end, "what the test waits for has not come"
            if do is not None and time.monotonic() >= again:
                do()
                again = time.monotonic() + 0.1
            self.executor.spin_once(timeout_sec=0.05)

    def call(self, service):
        """Response of a Trigger service."""
        return self._triggers.call(service, PATIENCE_S)


def with_parameters(make_node, **values):
    """Build a node as if the parameters had been given on its command line."""
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    return make_node(parameter_overrides=overrides)
