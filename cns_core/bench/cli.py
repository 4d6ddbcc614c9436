"""`cns-bench`: the benchmark's command line."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from cns_core.command_name import command_name

SUBCOMMANDS = {
    "run": ("cns_core.bench.loop.run_command", "run a suite of episodes (what no subcommand does)"),
    "paper": (
        "cns_core.bench.paper.paper_command",
        "the paper's comparisons, small, what they train included",
    ),
    "compare": (
        "cns_core.bench.report.compare",
        "what moved between two reports, beyond the noise",
    ),
    "replay": ("cns_core.bench.loop.replay", "run one episode again and draw it"),
    "observer": ("cns_core.bench.observers.observer_bench", "precision and speed of the observers"),
    "faults": ("cns_core.bench.faults.faults_bench", "faults on the wire to the arm"),
    "photos": ("cns_core.bench.photos.photo_bench", "matching on photographs"),
    "photo-loops": (
        "cns_core.bench.photos.loop_table",
        "table of closed loops on photographs",
    ),
    "held-still": (
        "cns_core.bench.photos.held_still",
        "views held still with a tool in view: is a wrong pose called the goal?",
    ),
    "sequence": (
        "cns_core.bench.sequences.sequence_bench",
        "sequences of saved goals, taught and repeated",
    ),
    "stream": (
        "cns_core.bench.faults.stream_bench",
        "rates and jitter of the stream to the arm, soak",
    ),
}
"""Name: module with ``add_arguments(parser)`` and ``run(args)``, imported when called; and help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `cns-bench`; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in SUBCOMMANDS else "run"
    module = import_module(SUBCOMMANDS[name][0])
    program = command_name("cns-bench")
    parser = argparse.ArgumentParser(
        prog=program if name == "run" else f"{program} {name}",
        description=module.__doc__,
        epilog=_overview() if name == "run" else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return module.run(parser.parse_args(words))


def _overview() -> str:
    lines = [f"  {name:<12}{text}" for name, (_, text) in SUBCOMMANDS.items()]
    return "subcommands, each with --help:\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
