"""Whether this machine keeps time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from cns_ros.doctor.finding import Finding, ok, warn

_PRIORITY = 20  # what the process at the arm asks for


def examine_machine() -> Iterator[Finding]:
    """Look at priority and load."""
    yield _realtime()
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    seen = f"{load:.1f} on {cores} cores"
    if load > cores:
        yield warn("load", seen, "end what else runs: twists and images come late")
    else:
        yield ok("load", seen)


def _realtime() -> Finding:
    """Ask for the priority in a thread, which takes it to its end."""
    refusal: list[str] = []

    def ask() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
        except OSError as error:
            refusal.append(error.strerror or str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    if not refusal:
        return ok("real-time priority", f"SCHED_FIFO {_PRIORITY} is granted")
    remedy = (
        f"'{os.environ.get('USER', 'USER')} - rtprio {_PRIORITY}' in /etc/security/limits.conf, "
        f"then log in anew (in Docker: --ulimit rtprio={_PRIORITY} --cap-add SYS_NICE)"
    )
    seen = f"SCHED_FIFO {_PRIORITY} is refused ({refusal[0]}): load may stop the arm"
    return warn("real-time priority", seen, remedy)
