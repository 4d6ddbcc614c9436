"""The faults on the way from the driver to the arm."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from cns_core.bench.faults.arm_rig import ArmRig
from cns_core.bench.faults.detection import follow_s, lost_s, process_end_s, reaction_s, silence_s
from cns_core.bench.faults.fault import Fault, at_once
from cns_core.bench.faults.rig import GONE

_SECOND_CLIENT = (
    "import sys; from rtde_control import RTDEControlInterface; RTDEControlInterface(sys.argv[1])"
)
_DELAY_S = 0.4

_LOST = ("connection lost", "link process", "did not answer")
_PROGRAM = ("program was stopped", "refused a command")


def _signal_driver(number: int) -> Callable[[ArmRig], float]:
    """Send a signal to the driver."""
    return at_once(lambda rig: os.kill(rig.driver.pid, number))


def _signal_worker(number: int) -> Callable[[ArmRig], float]:
    """Send a signal to the driver's process that talks to the arm."""
    return at_once(lambda rig: os.kill(rig.driver.report.worker_pid, number))


def _box(fault: str, **parameters: float) -> Callable[[ArmRig], float]:
    """Begin a fault of the control box."""
    return lambda rig: rig.pendant.inject(fault, **parameters)


def _clear(fault: str) -> Callable[[ArmRig], float]:
    return lambda rig: rig.pendant.clear(fault)


def _unlock(rig: ArmRig) -> None:
    time.sleep(0.2)
    rig.pendant.unlock()


def _switch_on(rig: ArmRig) -> None:
    rig.pendant.release_emergency_stop()
    rig.pendant.switch_on()


def _late_feedback(rig: ArmRig) -> float:
    # Or what comes late would be the jog before the arm stood.
    rig.wait(2.0 * _DELAY_S)
    return rig.pendant.inject("late_feedback", delay_s=_DELAY_S)


def _second_client(rig: ArmRig) -> None:
    command = [sys.executable, "-c", _SECOND_CLIENT, rig.config.robot_ip]
    client = subprocess.run(command, capture_output=True, text=True)
    if client.returncode == 0:
        raise RuntimeError("the control box accepted a second client")


_ROBOT_FAULTS: tuple[Fault[ArmRig], ...] = (
    Fault(
        "protective stop",
        lambda rig: rig.pendant.protective_stop(),
        reaction_s,
        ("protective stop",),
        repair=_unlock,
    ),
    Fault(
        "emergency stop",
        lambda rig: rig.pendant.emergency_stop(),
        reaction_s,
        ("robot emergency stop",),
        repair=_switch_on,
    ),
    Fault(
        "program stopped on the pendant",
        lambda rig: rig.pendant.stop_program(),
        reaction_s,
        _PROGRAM,
    ),
    Fault("script killed", _box("script_killed"), reaction_s, _PROGRAM),
    Fault(
        "switched to local control",
        lambda rig: rig.pendant.set_remote_control(False),
        reaction_s,
        _PROGRAM,
        repair=lambda rig: rig.pendant.set_remote_control(True),
    ),
)

_NETWORK_FAULTS: tuple[Fault[ArmRig], ...] = (
    Fault("RTDE dropped", _box("rtde_dropped"), lost_s, _LOST + _PROGRAM),
    Fault("RTDE frozen", _box("rtde_frozen"), lost_s, _LOST, repair=_clear("rtde_frozen")),
    Fault("RTDE garbage", _box("rtde_garbage"), lost_s, _LOST + _PROGRAM),
    Fault(
        "slow network",
        _box("network_delay", delay_s=_DELAY_S),
        lost_s,
        _LOST + _PROGRAM,
        repair=_clear("network_delay"),
    ),
    Fault(
        "jittery network",
        _box("network_delay", delay_s=0.0, jitter_s=2 * _DELAY_S),
        lost_s,
        _LOST + _PROGRAM,
        repair=_clear("network_delay"),
    ),
    Fault("second client", at_once(_second_client)),
)

_TWIST_FAULTS: tuple[Fault[ArmRig], ...] = (
    Fault(
        "twists end",
        at_once(lambda rig: rig.driver.send(None)),
        silence_s,
        ("command timeout",),
    ),
    Fault(
        "twists of NaN",
        at_once(lambda rig: rig.driver.send([float("nan")] * 6)),
        silence_s,
        ("twist must be finite",),
    ),
)

_PROCESS_FAULTS: tuple[Fault[ArmRig], ...] = (
    Fault(
        "worker killed", _signal_worker(signal.SIGKILL), process_end_s, ("link process", "SIGKILL")
    ),
    Fault("worker stopped", _signal_worker(signal.SIGSTOP), process_end_s, ("did not answer",)),
    Fault("worker told to end", _signal_worker(signal.SIGTERM), process_end_s, ("SIGTERM",)),
    Fault("driver killed", _signal_driver(signal.SIGKILL), process_end_s, (GONE,)),
    Fault("driver told to end", _signal_driver(signal.SIGTERM), process_end_s, (GONE,)),
    Fault("driver interrupted", _signal_driver(signal.SIGINT), process_end_s, (GONE,)),
    Fault(
        "driver stopped",
        _signal_driver(signal.SIGSTOP),
        silence_s,
        ("command timeout",),
        repair=_signal_driver(signal.SIGCONT),
        hides=True,
    ),
)

_LATE_FEEDBACK: Fault[ArmRig] = Fault(
    "late joint feedback",
    _late_feedback,
    partial(follow_s, delay_s=_DELAY_S),
    ("does not follow",),
    repair=_clear("late_feedback"),
    before_motion=True,
)

ARM_FAULTS = (
    *_ROBOT_FAULTS,
    *_NETWORK_FAULTS,
    *_TWIST_FAULTS,
    *_PROCESS_FAULTS,
    _LATE_FEEDBACK,
)
"""All of them."""
