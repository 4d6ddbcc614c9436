"""What ``cns`` can do: a name, the program behind it, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        program: ``module:function``, imported when it is called; takes its words from
            ``sys.argv[1:]`` and returns an exit code or None.
        summary: what it does, for the overview.
        needs_ros: whether nothing of it works without ROS 2.
    """

    program: str
    summary: str
    needs_ros: bool = False


COMMANDS = {
    "servo": Command(
        "cns_ros.bringup.__main__:main",
        "all nodes: on a robot, or an episode with --sim on the twin",
        needs_ros=True,
    ),
    "twin": Command(
        "cns_ros.sim.twin_command:main", "the simulated arm and its camera, alone", needs_ros=True
    ),
    "handeye": Command(
        "cns_ros.sim.hand_eye_command:main", "find the camera's pose on the flange", needs_ros=True
    ),
    "goals": Command(
        "cns_ros.cli.goals_command:main", "save, list, load, rename, delete goals", needs_ros=True
    ),
    "record": Command(
        "cns_ros.recording.record_command:main", "take an episode home as MCAP", needs_ros=True
    ),
    "replay": Command(
        "cns_ros.recording.replay_command:main",
        "repeat a recording, and where two versions part",
        needs_ros=True,
    ),
    "doctor": Command(
        "cns_ros.doctor.command:main", "what is wrong with this set-up, and what to do"
    ),
    "node": Command("cns_ros.__main__:main", "one node, with --ros-args", needs_ros=True),
    "train": Command("cns_core.training.train:main", "train a policy"),
    "bench": Command("cns_core.bench.cli:main", "measure policies, observers and faults"),
}
"""In the order of the overview."""
