"""Stands in for the driver node in fault injection: the driver and a sender of twists.

A process of its own, because some of the faults are its death. Reads JSON lines on standard input
(``{"twist": [...]}`` to send from now on, or null for silence; ``{"request": "arm" | "disarm"}``;
``{"burst": [[twist, frame, age_s], ...]}`` to send once) and writes what happens as JSON lines on
standard output.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

from cns_core.arm.driver import ArmDriver
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.link import UrLink

_PERIOD_S = 0.04


class FaultDriver:
    """Sends the present twist 25 times a second and passes requests on."""

    def __init__(self, config: UrConfig) -> None:
        self._frame = config.hand_eye.camera_frame
        self._link = UrLink(config)
        self._driver = ArmDriver(config, self._link)
        self._twist: Sequence[float] | None = None
        self._pending = b""

    def run(self) -> None:
        """Live until standard input ends."""
        with self._driver:
            due = time.monotonic()
            while True:
                due = max(due + _PERIOD_S, time.monotonic())
                while (remaining := due - time.monotonic()) > 0.0:
                    if not self._listen(remaining):
                        return
                self._send()
                self._tell()

    def _listen(self, timeout_s: float) -> bool:
        if not select.select([0], [], [], timeout_s)[0]:
            return True
        data = os.read(0, 65536)
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "request" in message:
                self._driver.request(message["request"], _write_answer)
            elif "burst" in message:
                for command in message["burst"]:
                    self._offer(*command)
            else:
                self._twist = message["twist"]
        return bool(data)

    def _send(self) -> None:
        if self._twist is not None:
            self._offer(self._twist, self._frame, 0.0)

    def _offer(self, twist: Sequence[float], frame: str, age_s: float) -> None:
        now = time.time()
        # The gate counts what it refuses.
        with contextlib.suppress(ValueError):
            self._driver.offer(twist, frame, now - age_s, now)

    def _tell(self) -> None:
        status = self._driver.poll()
        _write(
            state=status.state.value,
            cause=status.cause,
            last_stop=status.last_stop,
            slowed_by=status.slowed_by,
            command_age_s=status.command_age_s,
            stream=status.stream,
            refusal=self._driver.gate.refusal,
            refused=self._driver.gate.refused.total(),
            worker_pid=self._link.worker_pid,
        )


def _write_answer(success: bool, message: str) -> None:
    _write(success=success, message=message)


def _write(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run with the settings of the arm, JSON, as the only argument."""
    # A shell may have started all this in the background, where an interrupt is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    FaultDriver(UrConfig.from_dict(json.loads(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
