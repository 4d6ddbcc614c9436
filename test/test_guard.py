"""The guard of callbacks: bad data refuse a message, faults of ours are seen, nodes live."""

import cv2
import numpy as np
import pytest
import rclpy
from scipy.spatial.transform import Rotation
from std_msgs.msg import String
from std_srvs.srv import Trigger

from cns_ros.ros.guard import guard_callbacks, guarded
from cns_ros.ros.qos import OFFERED


def opencv():
    cv2.cvtColor(np.zeros((3, 3, 2), np.uint8), cv2.COLOR_BGR2GRAY)


def scipy():
    Rotation.from_matrix(np.diag([1.0, 1.0, -1.0]))


def numpy():
    np.linalg.inv(np.zeros((2, 2)))


def overflow():
    int(float("inf"))


class Log:
    def __init__(self):
        self.errors, self.warnings = [], []

    def error(self, text, **_):
        self.errors.append(text)

    def warning(self, text, **_):
        self.warnings.append(text)


class FakeNode:
    """What the guard asks of a node."""

    def __init__(self, ok=True):
        self.log = Log()
        self.context = type("Context", (), {"ok": staticmethod(lambda: ok)})

    def get_logger(self):
        return self.log


@pytest.mark.parametrize("bad", [opencv, scipy, numpy, overflow])
def test_what_libraries_raise_over_data_refuses_the_message(bad):
    reasons, node = [], FakeNode()
    guarded(node, lambda message: bad(), reasons.append)("message")
    assert len(reasons) == 1 and reasons[0] and "\n" not in reasons[0]
    assert not node.log.errors


def test_a_refusal_is_logged_where_nobody_else_takes_it():
    node = FakeNode()
    guarded(node, lambda message: overflow())("message")
    assert "refused: cannot convert float infinity" in node.log.warnings[0]


def test_a_fault_of_ours_is_logged_with_its_traceback():
    def buggy(message):
        return message.no_such_thing

    reasons, node = [], FakeNode()
    assert guarded(node, buggy, reasons.append)("message") is None
    assert "Traceback" in node.log.errors[0] and "in buggy" in node.log.errors[0]
    assert "internal error" in reasons[0]


def test_a_service_that_fails_says_why():
    response = guarded(FakeNode(), lambda request, response: overflow())(
        Trigger.Request(), Trigger.Response(success=True)
    )
    assert not response.success
    assert "infinity" in response.message


def test_after_the_end_of_the_context_nothing_is_hidden():
    def broken(message):
        raise RuntimeError("context is not valid")

    with pytest.raises(RuntimeError):
        guarded(FakeNode(ok=False), broken)("message")


def test_callbacks_of_a_whole_node(ros_graph):
    node = ros_graph.add(rclpy.create_node("fragile"))
    taken = []

    def take(message):
        taken.append(message.data)
        raise KeyError(message.data)

    async def wait(request, response):
        response.success, response.message = True, "waited"
        return response

    node.create_subscription(String, "words", take, OFFERED)
    node.create_service(Trigger, "~/fail", lambda request, response: overflow())
    node.create_service(Trigger, "~/wait", wait)
    guard_callbacks(node)
    publisher = ros_graph.node.create_publisher(String, "words", OFFERED)
    ros_graph.until(lambda: len(taken) > 1, lambda: publisher.publish(String(data="word")))
    assert "infinity" in ros_graph.call("fragile/fail").message
    assert ros_graph.call("fragile/wait").message == "waited"
