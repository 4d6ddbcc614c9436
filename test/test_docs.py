"""Links in the pages lead somewhere, and the gallery's pictures are small and made by commands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/*.md")]
GALLERY = ROOT / "docs" / "gallery.md"
LARGEST_BYTES = 200_000
PICTURE = re.compile(r"^!\[(.+)\]\((.+)\)$", re.MULTILINE)


def links(page):
    """Targets within the checkout, without anchors, of what is no code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target) and not target.startswith("#"):
            yield target.split("#")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    missing = [target for target in links(page) if not (page.parent / target).exists()]
    assert not missing


def test_links_are_found():
    assert "gallery/screen.jpg" in links(GALLERY)
    assert "recording.md" in links(GALLERY)


def test_every_picture_of_the_gallery_is_there_small_and_said_how_to_make():
    text = GALLERY.read_text()
    pictures = {target for _, target in PICTURE.findall(text)}
    files = {f"gallery/{path.name}" for path in (ROOT / "docs" / "gallery").iterdir()}
    assert pictures == files
    for target in pictures:
        assert 1000 < (ROOT / "docs" / target).stat().st_size < LARGEST_BYTES
        below = text.split(f"({target})\n")[1].lstrip("\n")
        assert below.startswith("    "), f"under {target} stands no command"


def test_the_program_that_draws_them_draws_them_all():
    program = (ROOT / "docs" / "draw_gallery.py").read_text()
    for path in (ROOT / "docs" / "gallery").iterdir():
        assert f'"{path.stem}")' in program, path.name


def test_commands_in_the_gallery_name_what_there_is():
    from cns_ros.cli.commands import COMMANDS

    code = re.findall(r"^    (.+)$", GALLERY.read_text(), re.MULTILINE)
    used = {words[1] for line in code if (words := line.split())[0] == "cns"}
    assert used >= {"servo", "goals", "replay", "doctor"}
    assert used <= COMMANDS.keys()
    scripts = {word for line in code for word in line.split() if word.endswith(".py")}
    assert all((ROOT / name).exists() or name == "servo.launch.py" for name in scripts)
