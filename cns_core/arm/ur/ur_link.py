"""The driver's side of the link to a UR arm: starts the worker process and outlives it."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace

import numpy as np

from cns_core.arm.state_machine import State
from cns_core.arm.ur.channel import Channel, ChannelClosed

_RESTART_S = 1.0
_END_S = 5.0
# Longest silence of a worker that streams, that stops or waits, and that takes control.
_SILENT_S, _BUSY_S, _ARMING_S = 1.0, 4.0, 30.0
_STDERR = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkStatus:
    """The newest that is known of the arm and the link to it.

    Attributes:
        state, cause, last_stop: see ``StateMachine``.
        q, qd: (6,) joint angles in rad and speeds in rad/s, None while disconnected.
        sent: (6,) TCP twist in base axes that was sent last, m/s and rad/s.
        slowed_by: what slows the commands down, empty for nothing.
        command_age_s: age of the newest command when it was last used.
        feedback_lag_s: age of ``q`` when it was read.
        stream: figures of the stream, see ``Schedule``.
    """

    state: State = State.DISCONNECTED
    cause: str = "starting"
    last_stop: str = ""
    q: np.ndarray | None = None
    qd: np.ndarray | None = None
    sent: np.ndarray = field(default_factory=lambda: np.zeros(6))
    slowed_by: str = ""
    command_age_s: float = np.inf
    feedback_lag_s: float = 0.0
    stream: dict = field(default_factory=dict)


class UrLink:
    """Keeps a worker process connected to an arm; nothing here ever waits for the robot.

    The worker stops the arm by itself when this object, or the process it lives in, is gone.

    Args:
        config: an ``ArmConfig``.
    """

    def __init__(self, config):
        self.config = config
        self.status = LinkStatus()
        self.restarts = 0
        self._asked = {}
        self._serial = 0
        self._process = None
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def worker_pid(self):
        """Process id of the present worker."""
        return self._process.pid

    def command(self, twist, issued_at):
        """Pass a checked (6,) camera twist on; ``issued_at`` is on ``time.monotonic()``."""
        self._send(twist=list(map(float, twist)), issued_at=issued_at)

    def request(self, action, on_answer):
        """Ask to ``"arm"`` or ``"disarm"``; ``on_answer(success, message)`` is called by poll."""
        if action not in ("arm", "disarm"):
            raise ValueError(f"action must be 'arm' or 'disarm', got {action!r}")
        self._serial += 1
        self._asked[self._serial] = on_answer
        if not self._send(request=action, id=self._serial):
            # Without a worker nothing moves, which is all that disarming asks for.
            self._asked.pop(self._serial)(action == "disarm", self.status.cause)

    def poll(self):
        """Take in what the worker reports, replace it if it ended; the newest LinkStatus."""
        try:
            for message in self._channel.receive():
                self._take(message)
        except ChannelClosed:
            self._replace_worker()
        else:
            self._end_silence()
        return self.status

    def close(self):
        """Stop the arm and end the worker."""
        self._channel.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self):
        self._channel, theirs = Channel.pair()
        with theirs:
            number = theirs.fileno()
            settings = json.dumps(self.config.to_dict())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cns_core.arm.ur.ur_worker", str(number), settings],
                pass_fds=[number],
                # The client library prints to standard output, which may not be ours to write to.
                stdout=_STDERR,
            )
        self._restart_at = None
        self._heard_at = time.monotonic()
        self._verdict = ""

    def _send(self, **message):
        try:
            return self._channel.send(**message)
        except ChannelClosed:
            return False

    def _take(self, message):
        if "answer" in message:
            self._asked.pop(message["answer"])(message["success"], message["message"])
            return
        self._heard_at = time.monotonic()
        report = message["report"]
        for name in ("q", "qd", "sent"):
            if name in report:
                report[name] = np.array(report[name])
        status = LinkStatus(**(report | {"state": State(report["state"])}))
        self.status = self._remember(status)

    def _end_silence(self):
        """Put an end to a worker that no longer reports: whether it moves the arm is unknown."""
        if self.status.state == State.DISCONNECTED:
            return
        allowed_s = _SILENT_S if self.status.state == State.ARMED else _BUSY_S
        if time.monotonic() - self._heard_at > (_ARMING_S if self._asked else allowed_s):
            self._verdict = f"did not answer for {allowed_s} s"
            self._process.kill()

    def _remember(self, status):
        """Why motion last ended outlives the worker, until the next arming."""
        if status.last_stop or status.state in (State.ARMED, State.STOPPING):
            return status
        return replace(status, last_stop=self.status.last_stop)

    def _replace_worker(self):
        if self._restart_at is None:
            self._bury()
        if self._process.poll() is not None and time.monotonic() >= self._restart_at:
            self._channel.close()
            self._start()
            self.restarts += 1

    def _bury(self):
        """Note what the worker died of, and fail what it still had to answer."""
        self._restart_at = time.monotonic() + _RESTART_S
        before = self.status
        if before.state != State.DISCONNECTED:
            cause = f"the link process ended: {self._verdict or _obituary(self._process)}"
            moving = before.state in (State.ARMED, State.STOPPING)
            last_stop = (before.last_stop or cause) if moving else before.last_stop
            self.status = LinkStatus(cause=cause, last_stop=last_stop)
        else:
            self.status = replace(before, q=None, qd=None, sent=np.zeros(6))
        _log.warning("%s", self.status.cause)
        asked, self._asked = self._asked, {}
        for on_answer in asked.values():
            on_answer(False, self.status.cause)


def _obituary(process):
    try:
        code = process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        code = process.wait()
    if code == -signal.SIGALRM:
        return "the controller did not answer in time"
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
