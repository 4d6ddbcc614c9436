"""Starts one node of the suite: ``python -m cns_ros NODE [--ros-args ...]``."""

from __future__ import annotations

import sys
from importlib import import_module

from cns_ros.bringup.params_file import check_arguments

NODES = {
    "observer": "cns_ros.nodes.observer",
    "controller": "cns_ros.nodes.controller",
    "ur_driver": "cns_ros.nodes.ur_driver",
    "supervisor": "cns_ros.nodes.supervisor",
    "hand_eye": "cns_ros.nodes.hand_eye",
    "twin": "cns_ros.sim.twin",
    "episode": "cns_ros.sim.episode",
    "hand_eye_tour": "cns_ros.sim.hand_eye_tour",
    "recorder": "cns_ros.recording.record_command",
}
"""Name of the executable: the module whose ``main()`` it is, imported when started."""


def main() -> int:
    """Run the node named first on the command line; returns its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NODES:
        print(f"the node must be one of {', '.join(NODES)}, got {name!r}", file=sys.stderr)
        return 2
    del sys.argv[1]
    if "--ros-args" in sys.argv:
        try:
            # Before the node is there: rclpy passes over a parameter that it does not know.
            check_arguments(name, sys.argv[sys.argv.index("--ros-args") + 1 :])
        except ValueError as reason:
            print(reason, file=sys.stderr)
            return 1
    return import_module(NODES[name]).main()


if __name__ == "__main__":
    sys.exit(main())
