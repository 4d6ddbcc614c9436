"""The faults: what is done, how soon the arm must notice, and what the status has to say."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from cns_core.bench.faults.fault_rig import GONE

_SECOND_CLIENT = (
    "import sys; from rtde_control import RTDEControlInterface; RTDEControlInterface(sys.argv[1])"
)
_DELAY_S = 0.4


@dataclass(frozen=True)
class FaultCase:
    """One fault.

    Attributes:
        name: of the row.
        inject: does it to a ``FaultRig`` and returns when, on the monotonic clock.
        notice: which of the detection times in :func:`detection_s` applies.
        causes: words of which one must stand in the status.
        repair: undoes it, so that only the driver keeps the arm from moving.
        stops: whether the arm has to stop; if not, it must go on undisturbed.
        hides: whether the status can be had only after the repair.
    """

    name: str
    inject: Callable
    notice: str
    causes: tuple
    repair: Callable = lambda rig: None
    stops: bool = True
    hides: bool = False


def detection_s(config, notice):
    """Longest time from a fault until braking begins, for each way of noticing it.

    ``robot``: the controller stops by itself. ``silence``: no command comes any more. ``lost``: the
    arm's state is late, or the controller hears nothing and its watchdog acts. ``follow``: the arm
    does something else than it is told. ``driver``: its process ends.
    """
    tick_s = 2.0 * config.period_s
    return {
        "robot": tick_s,
        "silence": config.command_timeout_s + tick_s,
        "lost": max(config.feedback_timeout_s, 1.0 / config.watchdog_hz) + tick_s,
        "follow": config.feedback_timeout_s + 0.1 + 2.0 * tick_s + _DELAY_S,
        "driver": 1.0 / config.watchdog_hz + tick_s,
    }[notice]


def _now(action):
    def inject(rig):
        at = time.monotonic()
        action(rig)
        return at

    return inject


def _signal(number, victim):
    """Send a signal to the driver or to its worker process."""

    def action(rig):
        pid = rig.driver.pid if victim == "driver" else rig.status["worker_pid"]
        os.kill(pid, number)

    return _now(action)


def _fault(name, **parameters):
    return lambda rig: rig.pendant.inject(name, **parameters)


def _clear(name):
    return lambda rig: rig.pendant.clear(name)


def _continue(victim):
    return _signal(signal.SIGCONT, victim)


def _unlock(rig):
    time.sleep(0.2)
    rig.pendant.unlock()


def _switch_on(rig):
    rig.pendant.release_emergency_stop()
    rig.pendant.switch_on()


def _second_client(rig):
    at = time.monotonic()
    command = [sys.executable, "-c", _SECOND_CLIENT, rig.config.robot_ip]
    client = subprocess.run(command, capture_output=True, text=True)
    if client.returncode == 0:
        raise RuntimeError("the control box accepted a second client")
    return at


_LOST = ("connection lost", "link process", "did not answer")
_PROGRAM = ("program was stopped", "refused a command")

CASES = (
    FaultCase(
        "protective stop",
        lambda rig: rig.pendant.protective_stop(),
        "robot",
        ("protective stop",),
        _unlock,
    ),
    FaultCase(
        "emergency stop",
        lambda rig: rig.pendant.emergency_stop(),
        "robot",
        ("robot emergency stop",),
        _switch_on,
    ),
    FaultCase(
        "program stopped on the pendant", lambda rig: rig.pendant.stop_program(), "robot", _PROGRAM
    ),
    FaultCase("script killed", _fault("script_killed"), "robot", _PROGRAM),
    FaultCase(
        "switched to local control",
        lambda rig: rig.pendant.set_remote_control(False),
        "robot",
        _PROGRAM,
        lambda rig: rig.pendant.set_remote_control(True),
    ),
    FaultCase("RTDE dropped", _fault("rtde_dropped"), "lost", _LOST + _PROGRAM),
    FaultCase("RTDE frozen", _fault("rtde_frozen"), "lost", _LOST, _clear("rtde_frozen")),
    FaultCase("RTDE garbage", _fault("rtde_garbage"), "lost", _LOST + _PROGRAM),
    FaultCase(
        "slow network",
        _fault("network_delay", delay_s=_DELAY_S),
        "lost",
        _LOST + _PROGRAM,
        _clear("network_delay"),
    ),
    FaultCase(
        "jittery network",
        _fault("network_delay", delay_s=0.0, jitter_s=2 * _DELAY_S),
        "lost",
        _LOST + _PROGRAM,
        _clear("network_delay"),
    ),
    FaultCase("second client", _second_client, "robot", (), stops=False),
    FaultCase("twists end", _now(lambda rig: rig.send(None)), "silence", ("command timeout",)),
    FaultCase(
        "twists of NaN",
        _now(lambda rig: rig.send([float("nan")] * 6)),
        "silence",
        ("twist must be finite",),
    ),
    FaultCase(
        "worker killed", _signal(signal.SIGKILL, "worker"), "driver", ("link process", "SIGKILL")
    ),
    FaultCase(
        "worker stopped",
        _signal(signal.SIGSTOP, "worker"),
        "driver",
        ("did not answer",),
    ),
    FaultCase("worker told to end", _signal(signal.SIGTERM, "worker"), "driver", ("SIGTERM",)),
    FaultCase("driver killed", _signal(signal.SIGKILL, "driver"), "driver", (GONE,)),
    FaultCase("driver told to end", _signal(signal.SIGTERM, "driver"), "driver", (GONE,)),
    FaultCase("driver interrupted", _signal(signal.SIGINT, "driver"), "driver", (GONE,)),
    FaultCase(
        "driver stopped",
        _signal(signal.SIGSTOP, "driver"),
        "silence",
        ("command timeout",),
        _continue("driver"),
        hides=True,
    ),
)
"""All faults on the way from the driver to the arm."""

LATE_FEEDBACK = FaultCase(
    "late joint feedback",
    _fault("late_feedback", delay_s=_DELAY_S),
    "follow",
    ("does not follow",),
    _clear("late_feedback"),
)
"""Shows only where the speed changes, so it is injected before the motion begins."""
