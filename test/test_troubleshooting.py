"""The messages on the troubleshooting page are the ones that the programs give."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]


def texts(node):
    """The literal text of every string, what is filled in as a blank."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else " " for p in each.values)
            yield "".join(map(str, parts))
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


SAID = [
    text
    for package in ("cns_core", "cns_ros")
    for path in (ROOT / package).rglob("*.py")
    for text in texts(ast.parse(path.read_text()))
]


@pytest.mark.parametrize("message", [re.match(r"\| `(.+?)` \|", row)[1] for row in ROWS])
def test_the_programs_say_so(message):
    assert any(message in text for text in SAID)


def test_there_are_rows_and_each_says_what_to_do():
    assert len(ROWS) > 30
    assert all(cell.strip() for row in ROWS for cell in row.strip("|").split("|"))
