"""The simulated arm behind its real protocol, and the camera on its wrist, until Ctrl-C.

The other nodes take it for a robot: ``cns servo --robot-ip 127.0.0.1`` with its hand-eye file,
``config/twin_hand_eye.yaml``.
"""

from __future__ import annotations

import sys

from cns_core.command_name import command_name
from cns_core.settings import described, name_of
from cns_ros.bringup.node_set import NodeSpec, servo_environment
from cns_ros.bringup.option_parser import parse_options
from cns_ros.bringup.processes import bring_up
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.sim.twin_settings import TwinSettings


def main() -> int:
    """Entry point of ``cns twin``."""
    name = command_name("python -m cns_ros.sim.twin_command")
    options = parse_options(TwinSettings, sys.argv[1:], name, __doc__)
    given = {name_of(each): getattr(options, each.name) for each, _ in described(TwinSettings)}
    return bring_up(
        [NodeSpec("twin", "twin", parameters=given)], servo_environment(ServoOptions(sim=True))
    )


if __name__ == "__main__":
    sys.exit(main())
