"""Bring the suite up where ``ros2 launch`` is not installed: same nodes, stopped as carefully."""

from __future__ import annotations

import ctypes
import signal
import sys

from cns_core.command_name import command_name
from cns_ros.bringup.node_set import servo_environment, servo_nodes
from cns_ros.bringup.option_parser import parse_options
from cns_ros.bringup.params_file import check_params_file
from cns_ros.bringup.processes import bring_up
from cns_ros.bringup.servo_options import ServoOptions

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the command-line program."""
    name = command_name("python -m cns_ros.bringup")
    options = parse_options(ServoOptions, sys.argv[1:], name, __doc__)
    # Nobody would be left to stop the arm from a terminal that has gone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        if options.params_file:
            check_params_file(options.params_file)
        nodes = servo_nodes(options)
    except ValueError as reason:
        print(f"bringup: {reason}", file=sys.stderr)
        return 2
    return bring_up(nodes, servo_environment(options))


if __name__ == "__main__":
    sys.exit(main())
