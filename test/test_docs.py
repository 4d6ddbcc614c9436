"""Links in the pages lead somewhere, and pictures are made by commands that stand under them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted(ROOT.glob("docs/*.md"))
PAGES = [*ROOT.glob("*.md"), *DOCS, *ROOT.glob("models/*.md"), *ROOT.glob("cns_interfaces/*.md")]
GALLERY = ROOT / "docs" / "gallery.md"
LARGEST_BYTES = 200_000
PICTURE = re.compile(r"^!\[(.+)\]\((.+)\)$", re.MULTILINE)


def prose(page):
    """The text of a page without what is code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^    .*$", "", text, flags=re.MULTILINE)


def targets(page):
    """Pairs of file and anchor, either of them empty, of the links that stay in the checkout."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


def links(page):
    """Files that a page links to."""
    return {file for file, _ in targets(page) if file}


def anchors(page):
    """What code hosts make of a page's headings."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"\]\([^)]*\)", "", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(f"{slug}-{before}" if (before := found.count(slug)) else slug)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    assert not [file for file in links(page) if not (page.parent / file).exists()]
    for file, anchor in targets(page):
        if anchor:
            assert anchor in anchors(page.parent / file if file else page), f"{file}#{anchor}"


def test_a_heading_has_the_anchor_that_code_hosts_give_it():
    page = ROOT / "docs" / "safety.md"
    assert "behind-a-vendors-ros-2-driver" in anchors(page)
    assert "cns-doctor" in anchors(ROOT / "docs" / "commands.md")
    assert ("safety.md", "behind-a-vendors-ros-2-driver") in targets(ROOT / "docs/start_robot.md")


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


COMMAND = re.compile(r"^    \S|`(python|make|cns|cns-bench|ros2) ")


def without_command(text):
    """Pictures of a page under which, within three lines of text, no command stands."""
    for match in PICTURE.finditer(text):
        below = [line for line in text[match.end() :].splitlines() if line.strip()][:3]
        if not any(COMMAND.search(line) for line in below):
            yield match[2]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_under_every_picture_stands_the_command_that_makes_it(page):
    text = page.read_text()
    assert text.count("![") == len(PICTURE.findall(text)), "a picture stands in a line of its own"
    assert list(without_command(text)) == []


def test_a_picture_without_a_command_is_found():
    text = "![a view](view.png)\n\nwords\n\n    make servo\n"
    assert list(without_command(text)) == []
    assert list(without_command(text.replace("make", "").replace("    ", ""))) == ["view.png"]


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
