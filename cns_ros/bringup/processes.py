"""The nodes as processes: started in order, and all of them stopped, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from cns_ros.bringup.node_set import NodeSpec

PATIENCE_S = {signal.SIGINT: 5.0, signal.SIGTERM: 2.0, signal.SIGKILL: 2.0}
"""How long a node may take to end after each of these signals."""

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_AWAITED = {*_STOP_SIGNALS, signal.SIGCHLD}

Process = subprocess.Popen[bytes]


def bring_up(
    specs: Sequence[NodeSpec],
    environment: Mapping[str, str],
    patience_s: Mapping[signal.Signals, float] = PATIENCE_S,
) -> int:
    """Start the nodes, wait until the first of them ends or a signal comes, and stop the others.

    Args:
        specs: NodeSpecs in the order of their start; they are stopped in the opposite order.
        environment: variables added to the environment of the nodes.
        patience_s: signals that stop a node, and how long each may take to end it.

    Returns:
        Exit code of the bring-up: that of the node that ended, 1 if it should not have ended, or
        128 + the number of the signal that ended it or the bring-up.
    """
    # Signals wait until we ask for them: none can come between starting a node and noting it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    processes: list[Process] = []
    try:
        for spec in specs:
            processes.append(_start(spec, environment))
        return _wait_for_end(specs, processes)
    finally:
        stop(processes, patience_s)


def _start(spec: NodeSpec, environment: Mapping[str, str]) -> Process:
    return subprocess.Popen(
        spec.command(),
        env={**os.environ, **environment},
        # A session of its own keeps Ctrl-C from the node: it stops in our order instead.
        start_new_session=True,
        preexec_fn=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _AWAITED),
    )


def _wait_for_end(specs: Sequence[NodeSpec], processes: Sequence[Process]) -> int:
    while True:
        signum = signal.sigwait(_AWAITED)
        if signum in _STOP_SIGNALS:
            _say(f"stopping on {signal.Signals(signum).name}")
            return 128 + signum
        for spec, process in zip(specs, processes, strict=True):
            if process.poll() is not None:
                return _exit_code(spec, process.returncode)


def _exit_code(spec: NodeSpec, code: int) -> int:
    """Exit code of the bring-up that ends because a node has ended."""
    if code < 0:
        _say(f"{spec.name} was ended by {signal.Signals(-code).name}, stopping the others")
        return 128 - code
    if code or not spec.ends:
        _say(f"{spec.name} ended with exit code {code}, stopping the others")
        return code or 1
    return 0


def _say(text: str) -> None:
    print(f"bringup: {text}", file=sys.stderr, flush=True)


def stop(
    processes: Sequence[Process], patience_s: Mapping[signal.Signals, float] = PATIENCE_S
) -> None:
    """End the last process (the arm's driver) and only then the others, ever more insistently."""
    for group in (processes[-1:], processes[:-1]):
        for signum, longest_s in patience_s.items():
            for process in group:
                # Does nothing to a process that has ended.
                process.send_signal(signum)
            _wait(group, time.monotonic() + longest_s)


def _wait(processes: Iterable[Process], deadline: float) -> None:
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return
