"""Record what the suite's nodes say into an MCAP file, until Ctrl-C or for a time.

`cns replay`, Foxglove and `ros2 bag` read it. Start it before the controller: a replay is exact
from the first ~/start in it, and the observer's from the first goal that was set in it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from rclpy.executors import ExternalShutdownException
from rclpy.signals import SignalHandlerOptions

from cns_core.command_name import command_name
from cns_ros.bringup.node_set import servo_environment
from cns_ros.bringup.option_parser import parse_options
from cns_ros.bringup.servo_options import ServoOptions
from cns_ros.recording.bag_writer import BagWriter
from cns_ros.recording.record_settings import RecordSettings
from cns_ros.recording.recorder import RecorderNode
from cns_ros.ros.participation import Participation

_SAY_S = 5.0
_ANSWERS_S = 3.0
_NICENESS = 10  # who watches must not make late what is watched


def main() -> int:
    """Entry point of ``cns record``."""
    words = sys.argv[1:]
    split = words.index("--ros-args") if "--ros-args" in words else len(words)
    settings = parse_options(
        RecordSettings,
        words[:split],
        command_name("python -m cns_ros.recording.record_command"),
        __doc__,
    )
    path = Path(settings.out or time.strftime("recording_%Y%m%d_%H%M%S.mcap"))
    os.environ.update(servo_environment(ServoOptions()))
    os.nice(_NICENESS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    part = Participation(args=words[split:], signal_handler_options=SignalHandlerOptions.NO)
    try:
        with part, BagWriter(path) as bag:
            missing = _record(settings, bag, part)
    except OSError as error:
        print(f"record: {path} cannot be written: {error}", file=sys.stderr)
        return 1
    _say(f"wrote {path}, {_totals(bag)}")
    if missing:
        _say(f"nobody published {', '.join(sorted(missing))}")
    return 0 if bag.counts else 1


def _record(settings: RecordSettings, bag: BagWriter, part: Participation) -> set[str]:
    """Record to the end; the topics that were not there."""
    node, executor = part.add(RecorderNode(settings, bag)), part.executor
    begun = said = time.monotonic()
    try:
        while not settings.duration_s or time.monotonic() < begun + settings.duration_s:
            executor.spin_once(timeout_sec=0.1)
            if time.monotonic() > said + _SAY_S:
                said = time.monotonic()
                _say(f"{said - begun:.0f} s, {_totals(bag)}")
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    patience_s = time.monotonic() + _ANSWERS_S
    while node.parameters.pending and time.monotonic() < patience_s:
        executor.spin_once(timeout_sec=0.1)
    node.finish()
    return node.tap.waiting


def _totals(bag: BagWriter) -> str:
    return f"{bag.counts.total()} messages, {bag.size_bytes / 1e6:.1f} MB"


def _say(text: str) -> None:
    print(f"record: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
