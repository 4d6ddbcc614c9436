"""The driver's states: nothing but an explicit arm leads to motion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cns_core.arm.state_machine import State, StateMachine

EVENTS = ("connect", "arm", "stop", "rest", "fault", "acknowledge", "disconnect")


def in_state(*events):
    machine = StateMachine()
    for event in events:
        machine.apply(event, "because")
    return machine


def test_the_usual_round():
    machine = StateMachine()
    assert machine.state is State.DISCONNECTED
    for event, cause, state in [
        ("connect", "", State.DISARMED),
        ("arm", "", State.ARMED),
        ("stop", "command timeout", State.STOPPING),
        ("rest", "", State.DISARMED),
    ]:
        machine.apply(event, cause)
        assert machine.state is state
    assert machine.cause == machine.last_stop == "command timeout"
    machine.apply("arm")
    assert machine.cause == machine.last_stop == ""


@pytest.mark.parametrize("event", ["arm", "stop", "rest", "fault", "acknowledge"])
def test_a_disconnected_driver_can_only_connect(event):
    with pytest.raises(ValueError, match="not when disconnected"):
        StateMachine().apply(event, "because")


@pytest.mark.parametrize("event", ["stop", "fault", "disconnect"])
def test_every_stop_has_a_cause(event):
    with pytest.raises(ValueError, match=f"{event} needs a cause"):
        in_state("connect", "arm").apply(event)


def test_a_fault_stays_until_it_is_acknowledged_or_armed():
    machine = in_state("connect", "arm")
    machine.apply("fault", "protective stop")
    assert (machine.state, machine.cause) == (State.FAULTED, "protective stop")
    machine.apply("acknowledge")
    assert (machine.state, machine.cause) == (State.DISARMED, "")
    assert machine.last_stop == "protective stop"


def test_an_unknown_event_is_named():
    with pytest.raises(ValueError, match="event must be one of .* got 'go'"):
        StateMachine().apply("go")


@given(st.lists(st.sampled_from(EVENTS)))
def test_only_arm_leads_to_armed_and_only_from_rest(events):
    machine = StateMachine()
    for event in events:
        before = machine.state
        try:
            machine.apply(event, "because")
        except ValueError:
            assert machine.state is before
            continue
        if machine.state is State.ARMED:
            assert event == "arm"
            assert before in (State.DISARMED, State.FAULTED)
