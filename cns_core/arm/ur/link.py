"""The driver's side of the link to a UR arm: starts the worker process and outlives it."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from cns_core.arm.link import ON_REQUEST, LinkStatus, OnAnswer
from cns_core.arm.state_machine import State
from cns_core.arm.ur.channel import Channel, ChannelClosed
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.report import unpack

_RESTART_S = 1.0
_END_S = 5.0
# Longest silence of a worker that streams, that stops or waits, and that takes control.
_SILENT_S, _BUSY_S, _ARMING_S = 1.0, 4.0, 30.0
_STDERR = 2
_log = logging.getLogger(__name__)


class UrLink:
    """An :class:`~cns_core.arm.link.ArmLink`: keeps a worker process connected to a UR arm.

    The worker stops the arm by itself when this object, or the process it lives in, is gone.

    Args:
        config: a :class:`UrConfig`.

    Attributes:
        restarts: how many workers have been replaced.
    """

    def __init__(self, config: UrConfig):
        self.config = config
        self.status = LinkStatus()
        self.restarts = 0
        self._asked: dict[int, tuple[str, OnAnswer]] = {}
        self._serial = 0
        self._start()

    @property
    def worker_pid(self) -> int:
        """Process id of the present worker."""
        return self._process.pid

    def command(self, twist: np.ndarray, issued_at: float) -> None:
        """Pass a checked (6,) camera twist on; ``issued_at`` is on ``time.monotonic()``."""
        self._send(twist=list(map(float, twist)), issued_at=issued_at)

    def request(self, action: str, on_answer: OnAnswer, cause: str = ON_REQUEST) -> None:
        """Ask to ``"arm"`` or ``"disarm"``; ``on_answer(success, message)`` is called by poll."""
        if action not in ("arm", "disarm"):
            raise ValueError(f"action must be 'arm' or 'disarm', got {action!r}")
        self._serial += 1
        self._asked[self._serial] = (action, on_answer)
        if not self._send(request=action, id=self._serial, cause=cause):
            # Without a worker nothing moves, which is all that disarming asks for.
            del self._asked[self._serial]
            on_answer(action == "disarm", self.status.cause)

    def poll(self) -> LinkStatus:
        """Take in what the worker reports, replace it if it ended; the newest LinkStatus."""
        try:
            for message in self._channel.receive():
                self._take(message)
        except ChannelClosed:
            self._replace_worker()
        else:
            self._end_silence()
        return self.status

    def give_up(self, cause: str) -> None:
        """Let the worker, which is sound, brake the arm and give control back."""
        if not any(on_answer is _unheard for _, on_answer in self._asked.values()):
            self.request("disarm", _unheard, cause)

    def close(self) -> None:
        """Stop the arm and end the worker."""
        self._channel.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._channel, theirs = Channel.pair()
        with theirs:
            number = theirs.fileno()
            settings = json.dumps(self.config.to_dict())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cns_core.arm.ur.worker", str(number), settings],
                pass_fds=[number],
                # The client library prints to standard output, which may not be ours to write to.
                stdout=_STDERR,
            )
        self._restart_at: float | None = None
        self._heard_at = time.monotonic()
        self._verdict = ""

    def _send(self, **message: Any) -> bool:
        try:
            return self._channel.send(**message)
        except ChannelClosed:
            return False

    def _take(self, message: dict[str, Any]) -> None:
        if "answer" in message:
            _, on_answer = self._asked.pop(message["answer"])
            on_answer(message["success"], message["message"])
            return
        self._heard_at = time.monotonic()
        self.status = self._remember(unpack(message["report"]))

    def _end_silence(self) -> None:
        """Put an end to a worker that no longer reports: whether it moves the arm is unknown."""
        if self.status.state == State.DISCONNECTED:
            return
        if any(action == "arm" for action, _ in self._asked.values()):
            allowed_s = _ARMING_S
        else:
            allowed_s = _SILENT_S if self.status.state == State.ARMED else _BUSY_S
        if time.monotonic() - self._heard_at > allowed_s:
            self._verdict = f"did not answer for {allowed_s} s"
            self._process.kill()

    def _remember(self, status: LinkStatus) -> LinkStatus:
        """Why motion last ended outlives the worker, until the next arming."""
        if status.last_stop or status.state in (State.ARMED, State.STOPPING):
            return status
        return replace(status, last_stop=self.status.last_stop)

    def _replace_worker(self) -> None:
        if self._restart_at is None:
            self._restart_at = time.monotonic() + _RESTART_S
            self._note_end()
        if self._process.poll() is not None and time.monotonic() >= self._restart_at:
            self._channel.close()
            self._start()
            self.restarts += 1

    def _note_end(self) -> None:
        """Note what the worker died of, and fail what it still had to answer."""
        before = self.status
        if before.state != State.DISCONNECTED:
            cause = f"the link process ended: {self._verdict or _cause_of_end(self._process)}"
            moving = before.state in (State.ARMED, State.STOPPING)
            last_stop = (before.last_stop or cause) if moving else before.last_stop
            self.status = LinkStatus(cause=cause, last_stop=last_stop)
        else:
            self.status = replace(before, q=None, qd=None, sent=np.zeros(6))
        _log.warning("%s", self.status.cause)
        asked, self._asked = self._asked, {}
        for _, on_answer in asked.values():
            on_answer(False, self.status.cause)


def _unheard(success: bool, message: str) -> None:
    """For an answer that nobody waits for."""


def _cause_of_end(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if code == -signal.SIGALRM:
        return "the controller did not answer in time"
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
