"""The stand-in for the driver node as a process: told what to send, it reports its state."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cns_core.arm.ur.config import UrConfig
from cns_core.bench.faults.rig import GONE, PATIENCE_S

Command = tuple[Sequence[float], str, float]
"""A twist in m/s and rad/s, its frame, and its age in s."""


@dataclass(frozen=True)
class DriverReport:
    """What a driver says of itself, as ``LinkStatus`` and the gate have it; empty while unknown."""

    state: str = ""
    cause: str = ""
    last_stop: str = ""
    slowed_by: str = ""
    command_age_s: float = 0.0
    stream: dict[str, float] = field(default_factory=dict)
    refusal: str = ""
    refused: int = 0
    worker_pid: int = 0


class DriverProcess:
    """A driver, started at once; it comes up disarmed.

    Args:
        config: settings of the arm.

    Attributes:
        pid: its process id.
        report: the newest :class:`DriverReport`, whose state is GONE once the process has ended.
    """

    def __init__(self, config: UrConfig) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cns_core.bench.faults.fault_driver"),
                json.dumps(config.to_dict()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin and self._process.stdout  # both are pipes
        self._stdin = self._process.stdin
        self.pid = self._process.pid
        self.report = DriverReport()
        self._changed = threading.Condition()
        self._answers: list[tuple[bool, str]] = []
        threading.Thread(target=self._read, args=[self._process.stdout], daemon=True).start()

    def end(self) -> None:
        """End it in an orderly way, if it still lives."""
        self._stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def send(self, twist: Sequence[float] | None) -> None:
        """Let it send this twist from now on, or be silent (None)."""
        self._tell(twist=twist)

    def send_burst(self, commands: Sequence[Command]) -> None:
        """Let it send commands once, all at the same time."""
        self._tell(burst=commands)

    def request(self, action: str) -> tuple[bool, str]:
        """Arm or disarm; (success, message)."""
        self._answers.clear()
        self._tell(request=action)
        self.until(lambda: self._answers, f"an answer to {action}")
        return self._answers[0]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a report makes the condition true; TimeoutError names what did not come."""
        with self._changed:
            if not self._changed.wait_for(condition, PATIENCE_S):
                raise TimeoutError(f"{what} has not come; the driver says {self.report}")

    def until_state(self, *states: str) -> None:
        """Wait until it is in one of these states."""
        self.until(lambda: self.report.state in states, " or ".join(states))

    def until_told(self) -> None:
        """Wait for its next report."""
        before = self.report
        self.until(lambda: self.report is not before, "a report")

    def until_heard(self) -> None:
        """Wait until it tells what it knows of all that has happened before.

        For two reports: the next one may be older than that, as an answer before its state.
        """
        self.until_told()
        self.until_told()

    def _tell(self, **message: object) -> None:
        self._stdin.write(json.dumps(message) + "\n")
        self._stdin.flush()

    def _read(self, lines: Iterable[str]) -> None:
        for line in lines:
            message = json.loads(line)
            with self._changed:
                if "success" in message:
                    self._answers.append((message["success"], message["message"]))
                else:
                    self.report = DriverReport(**message)
                self._changed.notify_all()
        with self._changed:
            self.report = DriverReport(state=GONE)
            self._changed.notify_all()
