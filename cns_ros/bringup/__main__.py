"""Bring the suite up where ``ros2 launch`` is not installed: same nodes, stopped as carefully."""

from __future__ import annotations

import argparse
import ctypes
import signal
import sys
from collections.abc import Sequence

from cns_core.settings import described
from cns_ros.bringup.node_set import servo_environment, servo_nodes
from cns_ros.bringup.params_file import check_params_file
from cns_ros.bringup.processes import bring_up
from cns_ros.bringup.servo_options import ServoOptions

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the command-line program."""
    options = _parse_arguments(sys.argv[1:])
    # Nobody would be left to stop the arm from a terminal that has gone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        if options.params_file:
            check_params_file(options.params_file)
    except ValueError as reason:
        print(f"bringup: {reason}", file=sys.stderr)
        return 2
    return bring_up(servo_nodes(options), servo_environment(options))


def _parse_arguments(words: Sequence[str]) -> ServoOptions:
    parser = argparse.ArgumentParser(prog="python -m cns_ros.bringup", description=__doc__)
    for option, description in described(ServoOptions):
        flag, default = "--" + option.name.replace("_", "-"), option.default
        if isinstance(default, bool):
            boolean = argparse.BooleanOptionalAction
            parser.add_argument(flag, default=default, help=description.words, action=boolean)
        else:
            parser.add_argument(
                flag,
                default=default,
                help=description.words,
                type=type(default),
                choices=description.choices or None,
            )
    try:
        return ServoOptions(**vars(parser.parse_args(words)))
    except ValueError as reason:
        parser.error(str(reason))


if __name__ == "__main__":
    sys.exit(main())
