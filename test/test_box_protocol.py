"""Packets, recipes and connections of the simulated control box, without a box."""

import socket
import struct
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cns_core.twin.robot.ports.connection import Connection, Network
from cns_core.twin.robot.ports.line_stream import LineStream
from cns_core.twin.robot.ports.rtde_protocol import (
    PacketStream,
    PacketType,
    ProtocolError,
    Recipe,
    packet,
)
from cns_core.twin.robot.ports.rtde_server import RtdeSession


@given(
    st.lists(st.tuples(st.sampled_from(list(PacketType)), st.binary(max_size=40)), max_size=6),
    st.integers(1, 20),
)
def test_packets_survive_any_chopping(packets, size):
    data = b"".join(packet(kind, payload) for kind, payload in packets)
    stream, received = PacketStream(), []
    for i in range(0, len(data), size):
        received += stream.feed(data[i : i + size])
    assert received == packets


@pytest.mark.parametrize("data", [b"\x00\x02V", b"\x00\x00V", b"\x00\x03?"])
def test_bytes_out_of_step_are_a_protocol_error(data):
    with pytest.raises(ProtocolError, match="an RTDE packet of"):
        PacketStream().feed(data)


def test_recipe_packs_fields_in_order():
    recipe = Recipe("timestamp,actual_q,robot_mode,")
    data = recipe.pack({"timestamp": 1.5, "actual_q": range(6), "robot_mode": 7})
    assert recipe.types == ["DOUBLE", "VECTOR6D", "INT32"]
    assert struct.unpack(">7di", data) == (1.5, 0, 1, 2, 3, 4, 5, 7)


def test_recipe_names_what_it_does_not_know():
    assert Recipe("timestamp,mood").types == ["DOUBLE", "NOT_FOUND"]
    with pytest.raises(ProtocolError, match="of 3 bytes, not 12"):
        Recipe("input_int_register_0,input_double_register_1").unpack(b"abc")


def setup_inputs(session, sent, names):
    session.receive(packet(PacketType.SETUP_INPUTS, names.encode()))
    return sent.pop()[3:]


def test_registers_belong_to_one_client_until_it_leaves():
    box, sent = SimpleNamespace(register_owners={}), []
    first, second = RtdeSession(box, sent.append), RtdeSession(box, sent.append)
    register = "input_int_register_0"
    assert setup_inputs(first, sent, register) == b"\x01INT32"
    assert setup_inputs(first, sent, register + ",") == b"\x02INT32"
    assert setup_inputs(second, sent, f"{register},input_int_register_1") == b"\x00IN_USE,INT32"
    first.close()
    assert setup_inputs(second, sent, register) == b"\x01INT32"


def test_lines_survive_any_chopping():
    stream = LineStream()
    assert stream.feed(b"st") == []
    assert stream.feed(b"op\npl") == ["stop"]
    assert stream.feed(b"ay\n\n") == ["play", ""]
    with pytest.raises(ValueError, match="a line of more than"):
        stream.feed(b"x" * 100_000)


def connected(network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return Connection(server.accept()[0], network), client


def test_network_delay_holds_bytes_back_in_order():
    network = Network()
    connection, client = connected(network)
    network.delay_s = 0.5
    connection.send(b"slow ", 10.0)
    network.delay_s = 0.0
    connection.send(b"fast", 10.1)
    connection.flush(10.4)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(10)
    client.setblocking(True)
    connection.flush(10.5)
    assert client.recv(9, socket.MSG_WAITALL) == b"slow fast"
    client.close()
    connection.close()


def test_client_that_does_not_read_is_dropped():
    connection, client = connected(Network())
    for _ in range(200):
        connection.send(bytes(65536), 0.0)
        if connection.closed:
            break
    assert connection.closed
    client.close()
