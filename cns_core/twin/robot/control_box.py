"""A simulated control box in an OS process of its own.

``ControlBox`` starts and stops it; ``python -m cns_core.twin.robot.control_box`` is the process.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cns_core.arm.ur_kinematics import UR_MODELS, UrModel
from cns_core.twin.robot.motion_log import ArmState, Motion, MotionReader
from cns_core.twin.robot.ports.connection import LOCALHOST

Q_HOME = (0.0, -1.6, 1.9, -1.87, -1.5708, 0.0)
"""Joint angles in rad with the flange 0.46 m from a UR5e's base, looking down, well conditioned."""

_MODEL = "ur5e"
_UNLOCK_DELAY_S = 5.0
_READY = "ready"
_STOP_TIMEOUT_S = 5.0
_PRIORITY = 30  # above the driver's, whose client library spins for our answers


class ControlBox:
    """Runs a simulated control box while the context lasts.

    Args:
        host: loopback address to listen on; the ports are the robot's own.
        q_home: (6,) joint angles in rad to begin with.
        model: name of the arm, one of ``UR_MODELS``.
        unlock_delay_s: how long a protective stop must last before it can be unlocked.

    Raises:
        ValueError: for an unknown model or malformed joint angles.
        ConnectionError: if the box cannot listen, with its own words.
    """

    def __init__(
        self,
        host: str = LOCALHOST,
        q_home: Sequence[float] | NDArray[np.float64] = Q_HOME,
        model: str = _MODEL,
        unlock_delay_s: float = _UNLOCK_DELAY_S,
    ) -> None:
        _model(model).forward(q_home)
        self.host = host
        self._command = [
            *(sys.executable, "-m", __name__, "--host", host, "--model", model),
            *("--unlock-delay", str(unlock_delay_s), "--parent-pid", str(os.getpid())),
            *("--q-home", *(repr(float(angle)) for angle in q_home)),
        ]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ControlBox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process.

        Raises:
            RuntimeError: if it was not started.
        """
        if self._process is None:
            raise RuntimeError("the control box was not started")
        return self._process

    def start(self) -> ControlBox:
        """Start the process and wait until it listens; returns the box itself."""
        # In a session of its own, so that Ctrl-C reaches the robot's clients and not the robot.
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout  # a pipe
        answer = self._process.stdout.readline().strip()
        if answer != _READY:
            self.stop()
            raise ConnectionError(answer or f"the control box on {self.host} did not start")
        self._motion = MotionReader(self.host)
        return self

    def stop(self) -> None:
        """End the process."""
        process = self.process
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def state(self) -> ArmState:
        """The arm's newest :class:`.ArmState`; takes microseconds."""
        return self._motion.state()

    def motion_log(self, since_s: float = 0.0) -> Motion:
        """The :class:`.Motion` after a time, the last minute at most."""
        return self._motion.since(since_s)


def _model(name: str) -> UrModel:
    if name not in UR_MODELS:
        raise ValueError(f"unknown arm {name!r}, known are {sorted(UR_MODELS)}")
    return UR_MODELS[name]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="control_box", description="A simulated UR controller.")
    parser.add_argument("--host", default=LOCALHOST, help="loopback address to listen on")
    parser.add_argument("--model", default=_MODEL, choices=sorted(UR_MODELS))
    parser.add_argument("--q-home", type=float, nargs=6, default=Q_HOME, metavar="RAD")
    parser.add_argument("--unlock-delay", type=float, default=_UNLOCK_DELAY_S, metavar="S")
    parser.add_argument("--parent-pid", type=int, help="exit when this process is gone")
    parser.add_argument("--verbose", action="store_true", help="show the program's text messages")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a control box until it is terminated."""
    # Imported here, because whoever only starts a box needs nothing of it.
    from cns_core.twin.robot.box_server import BoxServer

    options = _parse(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="control_box: %(message)s",
    )
    # Well below a tick, for the thread that compiles programs must not hold up the robot.
    sys.setswitchinterval(0.0005)
    # A real control box is a computer of its own: where the system allows it, nothing delays ours,
    # and what it interrupts every 2 ms is on one core only.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = BoxServer(
            options.host, _model(options.model), np.array(options.q_home), options.unlock_delay
        )
    except OSError as error:
        print(error, flush=True)
        return 1
    with contextlib.closing(server), contextlib.suppress(KeyboardInterrupt):
        print(_READY, flush=True)
        server.run(options.parent_pid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
