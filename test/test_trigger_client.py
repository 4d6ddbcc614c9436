"""Calls of Trigger services: answers, refusals, silence and absence."""

import pytest
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from cns_ros.ros.trigger_client import NoAnswer, TriggerClient


@pytest.fixture
def client(ros_graph):
    return TriggerClient(ros_graph.node, ros_graph.executor)


def test_a_refusal_is_an_answer(ros_graph, client):
    def refuse(request, response):
        response.success, response.message = False, "not now"
        return response

    ros_graph.node.create_service(Trigger, "busy", refuse)
    for _ in range(2):
        answer = client.call("busy", 30.0)
        assert (answer.success, answer.message) == (False, "not now")


def test_a_service_that_is_not_there_is_named(client):
    with pytest.raises(TimeoutError, match="service nowhere is not there after 0 s") as caught:
        client.call("nowhere", 30.0, ready_timeout_s=0.05)
    assert caught.type is TimeoutError


def test_a_service_that_keeps_silent_is_told_from_one_that_is_not_there(ros_graph):
    ros_graph.node.create_service(Trigger, "silent", lambda request, response: response)
    # An executor that does not know the node: nobody serves the call.
    client = TriggerClient(ros_graph.node, SingleThreadedExecutor())
    with pytest.raises(NoAnswer, match="service silent did not answer"):
        client.call("silent", 0.05, ready_timeout_s=30.0)
