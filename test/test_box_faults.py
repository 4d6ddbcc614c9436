"""The simulated control box under broken networks and malformed bytes, seen from plain sockets."""

import random
import socket

import pytest
from support_box import quick_box, wait_until

from cns_core.twin.robot.garbage import RTDE_KINDS, dashboard_line, rtde_bytes
from cns_core.twin.robot.pendant import Pendant
from cns_core.twin.robot.ports.rtde_protocol import PacketType, packet
from cns_core.twin.robot.safety import BoxRefusal


@pytest.fixture(scope="module")
def box():
    with quick_box() as box:
        yield box


@pytest.fixture
def pendant(box):
    with Pendant(box.host) as pendant:
        yield pendant


@pytest.mark.parametrize("port", [30004, 29999, 30003, 29900])
def test_malformed_bytes_do_not_harm_the_box(box, pendant, port):
    noise = random.Random(port)
    whole = [bytes([0, 3, ord(c)]) for c in "VvMUOISP"] + [b"def f(): end\nend\n", b"{}\n", b"\n"]
    for i in range(60):
        with socket.create_connection((box.host, port)) as client:
            client.sendall(whole[i % len(whole)] + noise.randbytes(noise.randrange(200)))
    wait_until(lambda: pendant.status()["robot_mode"] == "RUNNING")
    assert box.process.poll() is None
    assert not box.state().qd.any()


def test_dropped_rtde_hangs_up_on_its_clients(box, pendant):
    with socket.create_connection((box.host, 30004), timeout=20.0) as client:
        client.sendall(packet(PacketType.GET_URCONTROL_VERSION))
        assert len(client.recv(19)) == 19
        pendant.inject("rtde_dropped")
        assert client.recv(1) == b""


@pytest.mark.parametrize("kind", RTDE_KINDS)
def test_rtde_garbage_reaches_the_client(box, pendant, kind):
    with socket.create_connection((box.host, 30004), timeout=20.0) as client:
        client.sendall(packet(PacketType.GET_URCONTROL_VERSION))
        assert len(client.recv(19)) == 19
        pendant.inject("rtde_garbage", kind=kind, seed=7)
        assert client.recv(65536) == rtde_bytes(kind, random.Random(7))


def test_dashboard_garbage_replaces_the_answers(box, pendant):
    with socket.create_connection((box.host, 29999), timeout=20.0) as client:
        lines = client.makefile("rb")
        assert lines.readline() == b"Connected: Universal Robots Dashboard Server\n"
        pendant.inject("dashboard_garbage", seed=3)
        client.sendall(b"running\n")
        assert lines.readline() == dashboard_line(random.Random(3))
        pendant.clear("dashboard_garbage")
        client.sendall(b"is in remote control\n")
        assert lines.readline() == b"true\n"
        lines.close()


def test_unknown_faults_are_refused(pendant):
    with pytest.raises(BoxRefusal, match="unknown fault 'earthquake'"):
        pendant.inject("earthquake")
    with pytest.raises(BoxRefusal, match="0 to 60 s, got -1"):
        pendant.inject("network_delay", delay_s=-1)
    with pytest.raises(BoxRefusal, match="no fault 'rtde_frozen' is active"):
        pendant.clear("rtde_frozen")
