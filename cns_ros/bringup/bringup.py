"""Bring the suite up where ``ros2 launch`` is not installed: same nodes, stopped as carefully."""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from functools import partial

from cns_ros.bringup.node_set import servo_environment, servo_nodes
from cns_ros.bringup.servo_options import ServoOptions

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_AWAITED = {*_STOP_SIGNALS, signal.SIGCHLD}
# How long a node may take to end after each of these signals.
_PATIENCE_S = {signal.SIGINT: 5.0, signal.SIGTERM: 2.0, signal.SIGKILL: 2.0}
_PR_SET_PDEATHSIG = 1


def bring_up(specs, environment):
    """Start the nodes, wait until the first of them ends or a signal comes, and stop the others.

    Args:
        specs: NodeSpecs in the order of their start; they are stopped in the opposite order.
        environment: variables added to the environment of the nodes.

    Returns:
        Exit code of the bring-up: that of the node that ended, 1 if it should not have ended, or
        128 + the number of the signal that ended it or the bring-up.
    """
    # Signals wait until we ask for them: none can come between starting a node and noting it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    processes = []
    try:
        for spec in specs:
            processes.append(_start(spec, environment))
        return _wait_for_end(specs, processes)
    finally:
        _stop(processes)


def _start(spec, environment):
    return subprocess.Popen(
        spec.command(),
        env={**os.environ, **environment},
        # A session of its own keeps Ctrl-C from the node: it stops in our order instead.
        start_new_session=True,
        preexec_fn=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _AWAITED),
    )


def _wait_for_end(specs, processes):
    while True:
        signum = signal.sigwait(_AWAITED)
        if signum in _STOP_SIGNALS:
            _say(f"stopping on {signal.Signals(signum).name}")
            return 128 + signum
        for spec, process in zip(specs, processes, strict=True):
            if process.poll() is not None:
                return _exit_code(spec, process.returncode)


def _exit_code(spec, code):
    """Exit code of the bring-up that ends because a node has ended."""
    if code < 0:
        _say(f"{spec.name} was ended by {signal.Signals(-code).name}, stopping the others")
        return 128 - code
    if code or not spec.ends:
        _say(f"{spec.name} ended with exit code {code}, stopping the others")
        return code or 1
    return 0


def _say(text):
    print(f"bringup: {text}", file=sys.stderr, flush=True)


def _stop(processes):
    """End the last process (the arm's driver) and only then the others, ever more insistently."""
    for group in (processes[-1:], processes[:-1]):
        for signum, patience_s in _PATIENCE_S.items():
            for process in group:
                # Does nothing to a process that has ended.
                process.send_signal(signum)
            _wait(group, time.monotonic() + patience_s)


def _wait(processes, deadline):
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return


def _parse_arguments(words):
    parser = argparse.ArgumentParser(prog="python -m cns_ros.bringup", description=__doc__)
    for option in fields(ServoOptions):
        flag = "--" + option.name.replace("_", "-")
        text, choices = option.metadata["description"], option.metadata["choices"]
        if isinstance(option.default, bool):
            kind = {"action": argparse.BooleanOptionalAction}
        else:
            kind = {"type": type(option.default), "choices": choices or None}
        parser.add_argument(flag, default=option.default, help=text, **kind)
    try:
        return ServoOptions(**vars(parser.parse_args(words)))
    except ValueError as reason:
        return parser.error(str(reason))


def main():
    """Run the command-line program."""
    options = _parse_arguments(sys.argv[1:])
    # Nobody would be left to stop the arm from a terminal that has gone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    sys.exit(bring_up(servo_nodes(options), servo_environment(options)))


if __name__ == "__main__":
    main()
