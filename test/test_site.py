"""The site has every page, its references are those of today, and it is built without a warning."""

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name

import pytest

import cns_core

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted(ROOT.glob("docs/*.md"))


def test_the_nodes_are_drawn_from_todays_reference(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    program = runpy.run_path(str(ROOT / "docs" / "draw_nodes.py"))
    drawn = program["draw"]((ROOT / "docs" / "interfaces.md").read_text())
    stored = (ROOT / "docs" / "nodes.svg").read_text()
    assert stored == drawn, "run python docs/draw_nodes.py"
    for topic in ("image", "matches", "twist", "tcp_pose", "desired_image"):
        assert f">{topic}<" in stored


def test_the_site_has_every_page_once():
    index = (ROOT / "docs" / "index.md").read_text()
    listed = re.findall(
        r"^(\w+)$", "".join(re.findall(r"```\{toctree\}.*?```", index, re.DOTALL)), re.M
    )
    assert sorted([*listed, "index"]) == sorted(page.stem for page in DOCS)


def test_the_python_reference_names_what_there_is():
    documented = re.findall(r"^\.\. auto\w+:: (\S+)", (ROOT / "docs/api.md").read_text(), re.M)
    assert {f"cns_core.{name}" for name in cns_core.__all__} <= set(documented)
    for name in documented:
        module, _, last = name.rpartition(".")
        assert resolve_name(f"{module}:{last}").__doc__, name


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("sphinx"), reason="no Sphinx: make docs installs it")
def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs"]
    done = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = {page.stem for page in tmp_path.glob("*.html")}
    assert built >= {page.stem for page in DOCS}
    text = (tmp_path / "api.html").read_text()
    assert "VisualServo" in text and "camera optical frame" in text
