"""Repeat a recording offline: the controller on its matches, the observer on its images.

With the same weights and parameters the answers are the same to the last bit (of the observer in
its deterministic mode, see docs/recording.md); with others it says where the two part. The exit
code is 0 if all is the same, 1 if not. --set NAME=VALUE, as often as needed, changes a parameter.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from cns_core.command_name import command_name
from cns_core.control.settings import ControlSettings, SessionSettings
from cns_ros.bringup.option_parser import add_settings
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.given import changes
from cns_ros.recording.replay_controller import ControllerReplay, replay_controller
from cns_ros.recording.replay_observer import replay_observer
from cns_ros.recording.replay_report import controller_lines, observer_lines
from cns_ros.recording.replay_settings import ReplaySettings


def main() -> int:
    """Run the command-line program."""
    parser = argparse.ArgumentParser(
        prog=command_name("python -m cns_ros.recording.replay_command"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="what cns record has written")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="sets")
    add_settings(parser, ReplaySettings)
    words = vars(parser.parse_args())
    file, sets = words.pop("file"), words.pop("sets")
    try:
        settings = ReplaySettings(**words)
        changed = changes(sets, ControlSettings, SessionSettings, ObserverSettings)
        bag = BagReader(file)
    except ValueError as reason:
        parser.error(str(reason))
    if settings.weights:
        changed["weights"] = settings.weights
    return _replay(bag, settings, changed)


def _replay(bag: BagReader, settings: ReplaySettings, changed: dict[str, Any]) -> int:
    same, parts = True, {"controller", "observer"}
    parts = parts if settings.part == "all" else {settings.part}
    replay: ControllerReplay | None = None
    try:
        if "controller" in parts:
            replay = replay_controller(bag, changed)
            _say(controller_lines(replay))
            same = replay.parting is None
        if "observer" in parts:
            seen = replay_observer(bag, changed)
            _say(observer_lines(seen))
            same = same and seen.parting is None
        if settings.out and replay is not None:
            _draw(Path(settings.out), bag, replay)
    except ValueError as reason:
        _say([str(reason)], sys.stderr)
        return 2
    if not bag.complete:
        _say(["the recording has no end: its recorder was killed, and what it held is lost"])
    return int(not same)


def _draw(folder: Path, bag: BagReader, replay: ControllerReplay) -> None:
    from cns_ros.recording.replay_pictures import draw_replay

    draw_replay(folder, bag, replay)
    _say([f"wrote {folder}/"])


def _say(lines: list[str], file: Any = None) -> None:
    for line in lines:
        print(f"replay: {line}", file=file or sys.stdout, flush=True)
