"""Finds where the camera sits on the flange from views of a board, through the running graph.

With camera and driver running, move the arm to 15 or more different views of a board that lies
still, turning the camera about all axes. Call ``hand_eye/capture`` at each (``hand_eye/discard``
takes the last one back), then ``hand_eye/solve``, which writes the file that the driver reads, or
says why not. The driver may be disarmed, and its hand-eye file a guess.

The board is a parameter, like the file to write:
``cns-handeye --ros-args -p columns:=9 -p rows:=6 -p square:=0.025 -p marker:=0.018``
"""

from __future__ import annotations

import argparse
import sys

from cns_core.calibration.result_file import writable_file
from cns_core.command_name import command_name
from cns_core.share import share_directory
from cns_ros.bringup.node_set import NodeSpec, servo_environment
from cns_ros.bringup.processes import bring_up
from cns_ros.bringup.servo_options import SIMULATED_ROBOT_IP, ServoOptions
from cns_ros.nodes.hand_eye import HandEyeNode
from cns_ros.nodes.hand_eye_settings import HandEyeSettings
from cns_ros.ros.run import run


def main() -> int:
    """Entry point of ``cns-handeye``: the node alone, or with ``--sim`` the twin and a tour."""
    parser = argparse.ArgumentParser(
        prog=command_name("cns-handeye"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sim", action="store_true", help="calibrate the twin, from end to end")
    parser.add_argument("--file", default=HandEyeSettings.file, help="with --sim: file to write")
    parser.add_argument("--seed", type=int, default=0, help="with --sim: views and noise")
    parser.add_argument("--robot-ip", default=SIMULATED_ROBOT_IP, help="with --sim: loopback")
    options, words = parser.parse_known_args()
    if words and (options.sim or words[0] != "--ros-args"):
        parser.error(f"unknown: {' '.join(words)}")
    if options.sim:
        try:
            file = str(writable_file(options.file))
        except ValueError as reason:
            parser.error(str(reason))
        return _calibrate_twin(file, options.seed, options.robot_ip)
    return run(HandEyeNode)


def _calibrate_twin(file: str, seed: int, robot_ip: str) -> int:
    """Bring up the twin with a board, the driver, this node, and what goes from view to view."""
    cell: dict[str, object] = {"seed": seed, "host": robot_ip}
    # Where the driver believes the camera to be plays no part in the joint angles it reports.
    believed = str(share_directory() / "config" / "twin_hand_eye.yaml")
    nodes = [
        NodeSpec("twin", "twin", parameters=cell | {"scene": "board"}),
        NodeSpec("hand_eye", "hand_eye", parameters={"file": file}),
        NodeSpec("hand_eye_tour", "tour", parameters=cell | {"file": file}, ends=True),
        NodeSpec(
            *("ur_driver", "ur_driver"),
            parameters={"robot_ip": robot_ip, "hand_eye_file": believed},
        ),
    ]
    return bring_up(nodes, servo_environment(ServoOptions(sim=True)))


if __name__ == "__main__":
    sys.exit(main())
