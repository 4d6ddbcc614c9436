"""What the programs share that try faults on a whole graph and print their rows."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from cns_core.bench.faults.fault import Fault, Rig
from cns_core.bench.faults.trial import try_faults


def print_rows(
    make_rig: Callable[[str, int], AbstractContextManager[Rig]], faults: Sequence[Fault[Rig]]
) -> None:
    """Write the rows as they are measured; the command line is the host and a part of a name."""
    host, words = sys.argv[1:]
    chosen = [fault for fault in faults if words in fault.name]
    if not chosen:
        return
    with make_rig(host, 1 + os.getpid() % 100) as rig:
        for row in try_faults(rig, chosen):
            print(json.dumps(row), flush=True)
