"""`cns-bench compare A.json B.json`: what moved beyond the noise, paired by scene.

Exits with 0 when B is no worse than A, 1 on a regression, 2 when they cannot be compared.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from cns_core.bench.loop.plan import Record
from cns_core.bench.report.paired import MEASURES, Change, compare_measure, compare_success
from cns_core.bench.report.summary import COLUMN, Column, column_of


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("before", type=Path, metavar="A.json")
    parser.add_argument("after", type=Path, metavar="B.json")
    parser.add_argument(
        "--across",
        nargs="+",
        default=[],
        choices=COLUMN,
        help="pair episodes that differ in these, such as weights",
    )


def run(args: Namespace) -> int:
    """Print one line for each column and measure; the exit status."""
    try:
        before, after = _episodes(args.before), _episodes(args.after)
        changes = compare(before, after, args.across)
    except (ValueError, OSError, KeyError) as error:
        print(f"cns-bench compare: {error}", file=sys.stderr)
        return 2
    for change in changes:
        print(_line(change))
    worse = [change for change in changes if change.verdict == "worse"]
    print(f"{len(worse)} regressions in {len(changes)} comparisons")
    return 1 if worse else 0


def compare(
    before: list[Record], after: list[Record], across: Collection[str] = ()
) -> list[Change]:
    """Compare two lists of episode records.

    Args:
        across: names of ``COLUMN`` in which paired episodes may differ.

    Returns:
        One change for each column and measure that could be judged.

    Raises:
        ValueError: if no episode pairs up, or pairs are ambiguous.
    """
    a, b = _index(before, across), _index(after, across)
    shared = [key for key in a if key in b]
    if not shared:
        raise ValueError("the reports share no episode: same scenes and columns are needed")
    columns = defaultdict(list)
    for column, scene in shared:
        columns[column].append((a[column, scene], b[column, scene]))
    changes = []
    for column, pairs in columns.items():
        label = " ".join(str(value) for value in column)
        changes.append(compare_success(label, pairs))
        changes += [compare_measure(label, pairs, name) for name in MEASURES]
    return [change for change in changes if change.pairs]


def _episodes(path: Path) -> list[Record]:
    return json.loads(path.read_text(encoding="utf-8"))["episodes"]


def _index(records: list[Record], across: Collection[str]) -> dict[tuple[Column, str], Record]:
    """{(column without what it may differ in, scene): record}"""
    kept = [n for n, name in enumerate(COLUMN) if name not in across]
    index: dict[tuple[Column, str], Record] = {}
    for record in records:
        column = column_of(record)
        key = tuple(column[n] for n in kept), record["scene"]
        if key in index:
            raise ValueError(f"two episodes on {key[1]} fall together across {across}")
        index[key] = record
    return index


def _line(change: Change) -> str:
    return (
        f"{change.verdict:<6} {change.column}: {change.measure} "
        f"{change.before:.4g} -> {change.after:.4g} "
        f"[{change.low:.3g}, {change.high:.3g}] over {change.pairs} scenes"
    )
