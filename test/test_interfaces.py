"""The package of actions and services: its wheel holds what stands in the checkout."""

import re
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "cns_interfaces"
KINDS = ("action", "msg", "srv")
INTERFACES = sorted(path for kind in KINDS for path in PACKAGE.glob(f"{kind}/*.{kind}"))


def wheel():
    (path,) = (PACKAGE / "wheels").glob("*.whl")
    return path


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.name)
def test_the_wheel_was_built_from_this_interface(path):
    with ZipFile(wheel()) as archive:
        inside = f"share/cns_interfaces/{path.parent.name}/{path.name}"
        (name,) = (name for name in archive.namelist() if name.endswith(inside))
        assert archive.read(name) == path.read_bytes(), "run make interfaces"


def test_the_wheel_has_no_interface_more_and_serves_every_python():
    with ZipFile(wheel()) as archive:
        names = archive.namelist()
    assert len([name for name in names if re.search(r"\.(action|msg|srv)$", name)]) == len(
        INTERFACES
    )
    assert "cp310-abi3" in wheel().name
    assert [name for name in names if name.endswith(".so")] == [
        "cns_interfaces/cns_interfaces_s__rosidl_typesupport_c.abi3.so"
    ]


def test_colcon_builds_every_interface():
    text = (PACKAGE / "CMakeLists.txt").read_text()
    listed = re.findall(r'"((?:action|msg|srv)/\w+\.\w+)"', text)
    assert listed == [f"{path.parent.name}/{path.name}" for path in INTERFACES]


def test_versions_and_maintainers_agree():
    ours, theirs = (
        ElementTree.parse(folder / "package.xml").getroot() for folder in (PACKAGE, PACKAGE.parent)
    )
    for tag in ("version", "license", "maintainer"):
        assert ours.findtext(tag) == theirs.findtext(tag)
    assert f'version = "{ours.findtext("version")}"' in (PACKAGE / "pyproject.toml").read_text()
    assert f"cns_interfaces-{ours.findtext('version')}-" in wheel().name


def test_what_is_installed_can_be_sent():
    from cns_interfaces.action import Servo, ServoSequence
    from cns_interfaces.msg import ServoOutcome

    # Raises where the type support does not load.
    Servo.__class__.__import_type_support__()
    assert Servo.Goal.get_fields_and_field_types()["tolerance"] == "double"
    assert isinstance(ServoSequence.Result(outcomes=[ServoOutcome()]).outcomes[0], ServoOutcome)
