"""How a program leaves the ROS graph: what spins ends first, then nodes, at last the context."""

import threading

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node

from cns_ros.ros.participation import Participation


class Told(Node):
    """Tells of its end if the context is there and if anything spins, and is called back."""

    def __init__(self, name, told, **options):
        super().__init__(name, **options)
        self.told = told
        self.called = threading.Event()
        self.create_timer(0.001, self.called.set)

    def destroy_node(self):
        spins = any(thread.name == "spin" for thread in threading.enumerate())
        self.told.append((self.get_name(), self.context.ok(), spins))
        super().destroy_node()


@pytest.fixture
def part(ros_domain):
    part = Participation()
    yield part
    part.close()
    assert not rclpy.ok()


def test_no_node_is_spun_when_it_is_destroyed_and_none_outlives_its_context(part):
    told = []
    nodes = [part.add(Told(name, told)) for name in ("first", "last")]
    part.spin_beside()
    assert all(node.called.wait(30.0) for node in nodes)
    part.close()
    assert told == [("last", True, False), ("first", True, False)]
    assert not rclpy.ok()
    part.close()
    assert len(told) == 2


def test_a_node_that_cannot_be_destroyed_keeps_neither_the_others_nor_the_context(part):
    class Broken(Node):
        def destroy_node(self):
            super().destroy_node()
            raise OSError("its camera is gone")

    told = []
    part.add(Told("other", told))
    part.add(Broken("broken"))
    with pytest.raises(OSError, match="camera"):
        part.close()
    assert [each[:2] for each in told] == [("other", True)] and not rclpy.ok()


def test_two_of_one_process_come_and_go_by_themselves(part, ros_domain):
    node = part.add(Told("stays", []))
    context = Context()
    with Participation(context) as guest:
        guest.add(Told("guest", told := [], context=context))
    assert [each[:2] for each in told] == [("guest", True)] and not context.ok()
    assert rclpy.ok()
    part.spin_beside()
    assert node.called.wait(30.0)
