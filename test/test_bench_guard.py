"""A small fixed subset of the benchmark against stored results: closed-loop quality must not fall.

After a deliberate change, store new ones: ``python test/test_bench_guard.py``.
"""

import json
from pathlib import Path

import pytest

from cns_core.bench.loop.episode import run_episode
from cns_core.bench.loop.plan import Suite
from cns_core.bench.report.compare import compare
from cns_core.control.ibvs import IbvsController

STORED = Path(__file__).parent / "data" / "bench_guard.json"
SUITE = Suite(("render",), ("cns-policy", "ibvs"), ("truth",), scenes=2)
FEWER = Suite(("render",), ("cns-policy", "ibvs"), ("truth",), scenes=1)


class _Weak(IbvsController):
    """The planted regression: a law that has lost a third of its gain."""

    def velocity(self, correspondence):
        return 0.67 * super().velocity(correspondence)


def _records(controller=None, suite=SUITE):
    return [run_episode(spec, controller)[0] for spec in suite.specs()]


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text(encoding="utf-8"))["episodes"]


@pytest.mark.parametrize("suite", [FEWER, pytest.param(SUITE, marks=pytest.mark.slow)])
def test_closed_loop_is_no_worse_than_stored(stored, suite):
    changes = compare(stored, _records(suite=suite))
    assert changes
    assert [change for change in changes if change.verdict == "worse"] == []


@pytest.mark.slow
def test_a_weaker_controller_would_be_noticed(stored):
    changes = compare(stored, _records(_Weak()))
    worse = {change.measure for change in changes if change.verdict == "worse"}
    assert "steps" in worse


def store():
    """Run the subset and replace what is stored."""
    kept = []
    for record in _records():
        del record["trace"]
        kept.append({k: v for k, v in record.items() if not k.endswith(("_ms", "_p99"))})
    STORED.write_text(json.dumps({"episodes": kept}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    store()
