"""Writes a run's report: JSON for machines, Markdown and HTML for people."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cns_core.bench.loop.measures import PAPER_GATE, STRICT_GATE
from cns_core.bench.loop.plan import Record
from cns_core.bench.report import plots, tables
from cns_core.bench.report.summary import Row, rows

Facts = dict[str, Any]
"""Machine, versions, seeds and settings of a run."""

PAPER = """\
For comparison, the paper (150 scenes of YCB objects in PyBullet, not these scenes), AKAZE with
RANSAC: CNS success 100 %, TS 207.8 ± 43.8, RE 0.12 ± 0.11 deg, TE 1.39 ± 1.40 mm, mCT 11.5 ms;
without clustering 99.33 %, 378.7, 0.72, 9.29, 67.4 ms; without GConvGRU 99.33 %, 218.6, 0.23, 2.92,
10.1 ms; GGNN in its place 97.33 %, 203.4, 0.24, 2.84, 10.2 ms (Table II). With and without RANSAC,
Fig. 5 draws bars without numbers: CNS 100 % in S, M and L with it, IBVS failing at large rotations;
without it CNS still high, IBVS far lower. On a real arm with SIFT and no RANSAC (60 runs, Table I):
CNS 75 %, 0.067 deg, 0.385 mm; IBVS 8.33 %, 1.368 deg, 8.256 mm."""

_SUCCESS = (
    "SR: final rotation error below {:g} deg and translation error below {:g} cm, with Wilson's "
    "interval;\nstrict: below {:g} deg and {:g} mm."
).format(PAPER_GATE[0], 0.1 * PAPER_GATE[1], *STRICT_GATE)

NOTES = f"""\
{_SUCCESS} TS, RE, TE: mean ± standard deviation over successes; "TE, all" over
all episodes, as are medians. to 10 mm, to 1 mm: steps after which the error stays below. bound: of
the error of the way left as told, with 95 % probability, and how often it holds at the end, for
translation and rotation. path: length over the straight line. mOT, mCT, mTT: mean time of observer,
controller and both a frame, one thread; p99 of both, median over episodes; graph: building it, once
a target; rendering is not counted.
Renderer: the built-in one (textured convex solids, true occlusion and perspective) unless a row
says mujoco (the same solids through MuJoCo's OpenGL)."""


def write_report(folder: str | Path, records: list[Record], facts: Facts) -> Facts:
    """Write ``report.json``, ``report.md``, ``report.html`` and the plots into ``folder``.

    Args:
        records: from :func:`cns_core.bench.loop.runner.run`.
        facts: copied into the JSON.

    Returns:
        The report as a dict.
    """
    folder = Path(folder)
    table = rows(records)
    slim = [{k: v for k, v in record.items() if k != "trace"} for record in records]
    content = facts | {"rows": table, "episodes": slim}
    (folder / "report.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    pictures = plots.draw_all(folder, records)
    failed = [record for record in records if not record["success"]]
    (folder / "report.md").write_text(_markdown(facts, table, failed, pictures), encoding="utf-8")
    page = _html(folder, facts, table, failed, pictures)
    (folder / "report.html").write_text(page, encoding="utf-8")
    return content


def _facts_lines(facts: Facts) -> list[str]:
    machine, versions = facts["machine"], facts["versions"]
    return [
        f"Command: `{facts['command']}`, {facts['started']}, {facts['minutes']:.1f} min.",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}; load {machine['load_1min']} at the start, "
        f"{facts['load_at_end']} at the end; {facts['jobs']} processes.",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
    ]


def _failure_lines(failed: list[Record]) -> Iterator[tuple[str, str]]:
    for record in failed:
        yield (
            record["key"],
            f"{record['status']} {record['note']}: from {record['initial_rotation_deg']:.0f} deg "
            f"{record['initial_translation_mm']:.0f} mm to {record['rotation_error_deg']:.2f} deg "
            f"{record['translation_error_mm']:.1f} mm in {record['steps']} steps",
        )


def _markdown(
    facts: Facts, table: list[Row], failed: list[Record], pictures: dict[str, str]
) -> str:
    parts = ["# Benchmark of cns_ros", *_facts_lines(facts), NOTES]
    for environment, part in tables.by_environment(table).items():
        parts += [f"## {environment}", tables.markdown(part)]
    parts += [PAPER, "## Plots"]
    parts += [f"![{title}]({name})" for name, title in pictures.items()]
    parts.append(f"## Failed episodes: {len(failed)}")
    parts.append("\n".join(f"- `{key}`: {what}" for key, what in _failure_lines(failed)))
    if failed:
        parts.append("`cns-bench replay DIR KEY` runs one of them again.")
    return "\n\n".join(part for part in parts if part) + "\n"


_STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:90em;padding:0 1em}
table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto}
td,th{border-bottom:1px solid #ccc;padding:.25em .6em;text-align:right;white-space:nowrap}
td:nth-child(-n+6),th:nth-child(-n+6){text-align:left} img{max-width:100%}
tr:hover{background:#f3f3f3}"""


def _html(
    folder: Path, facts: Facts, table: list[Row], failed: list[Record], pictures: dict[str, str]
) -> str:
    parts = ["<h1>Benchmark of cns_ros</h1>"]
    parts += [f"<p>{html.escape(text)}</p>" for text in [*_facts_lines(facts), NOTES]]
    for environment, part in tables.by_environment(table).items():
        parts += [f"<h2>{environment}</h2>", tables.page(part)]
    parts += [f"<p>{html.escape(PAPER)}</p>", "<h2>Plots</h2>"]
    parts += [f'<h3>{html.escape(t)}</h3><img src="{n}">' for n, t in pictures.items()]
    parts.append(f"<h2>Failed episodes: {len(failed)}</h2>")
    for key, what in _failure_lines(failed):
        parts.append(f"<p><code>{html.escape(key)}</code><br>{html.escape(what)}</p>")
        strip = f"failures/{key}.png"
        if (folder / strip).exists():
            parts.append(f'<img src="{html.escape(strip)}">')
    title = "<title>Benchmark of cns_ros</title>"
    head = f'<!doctype html><meta charset="utf-8">{title}<style>{_STYLE}</style>'
    return head + "\n".join(parts) + "\n"


def clear(folder: str | Path) -> None:
    """Remove an earlier run's results from ``folder``, and nothing else."""
    folder = Path(folder)
    for name in ("episodes.jsonl", "fingerprint.txt", *plots.PICTURES):
        (folder / name).unlink(missing_ok=True)
    for name in ("report.json", "report.md", "report.html"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "failures", ignore_errors=True)
