"""What describes the packages agrees: package.xml, setup.py, pixi.toml, constraints, changelog."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from cns_ros.doctor.installation import examine_installation
from cns_ros.doctor.settings import DoctorSettings

if sys.version_info < (3, 11):
    import tomli as tomllib
else:
    import tomllib

ROOT = Path(__file__).resolve().parents[1]
ROS_PACKAGE = (
    r"rclpy|cns_interfaces|launch\w*|ament_\w+|rcl_interfaces|builtin_interfaces|\w+_msgs|std_srvs"
)
# Projects that are not called as the module they bring.
PROJECTS = {
    "cv2": "opencv-python-headless",
    "rtde_control": "ur_rtde",
    "rtde_receive": "ur_rtde",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
XML = ElementTree.parse(ROOT / "package.xml").getroot()


def setup_arguments():
    """The literal keyword arguments of setup.py's call of setup()."""
    for call in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "setup":
            return {word.arg: literal(word.value) for word in call.keywords}
    raise AssertionError("setup.py does not call setup()")


def literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def project_name(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_package_xml_and_setup_py_agree():
    setup = setup_arguments()
    assert setup["version"] == XML.findtext("version")
    assert setup["license"] == XML.findtext("license") == "Apache-2.0"
    assert setup["maintainer"] == XML.findtext("maintainer")
    assert setup["maintainer_email"] == XML.find("maintainer").get("email")


@pytest.mark.parametrize("folder", [ROOT, ROOT / "cns_interfaces"], ids=["suite", "interfaces"])
def test_the_changelog_is_one_of_ros(folder):
    """As REP-132 wants it: what is to come first, releases after it, the newest that of today."""
    package = ElementTree.parse(folder / "package.xml").getroot()
    text = (folder / "CHANGELOG.rst").read_text()
    title = f"Changelog for package {package.findtext('name')}"
    bar = "^" * len(title)
    assert text.startswith(f"{bar}\n{title}\n{bar}\n\n")
    headings = re.findall(r"^(\S.*)\n(-+)\n", text, re.MULTILINE)
    assert headings and all(len(heading) == len(line) for heading, line in headings)
    names = [heading for heading, _ in headings]
    released = names[1:] if names[0] == "Forthcoming" else names
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", name) for name in released)
    assert not released or released[0].split()[0] == package.findtext("version")


def test_both_packages_say_where_they_come_from():
    setup = setup_arguments()
    theirs = ElementTree.parse(ROOT / "cns_interfaces" / "package.xml").getroot()
    for package in (XML, theirs):
        urls = {url.get("type"): url.text for url in package.iter("url")}
        assert urls.pop("website") == setup["url"]
        assert [urls["repository"], urls["bugtracker"]] == list(setup["project_urls"].values())
        assert package.findtext("author") == setup["author"]
        assert package.findtext("version") == setup["version"]


def test_the_maintainer_has_a_valid_address():
    # colcon silently leaves out its environment hooks otherwise.
    address = XML.find("maintainer").get("email")
    assert re.fullmatch(r"[\w.%+-]+@[\w-]+(\.[\w-]+)*\.[a-zA-Z]{2,}", address)


def imported(paths):
    """Names of the top-level modules that the files import."""
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.split(".")[0] for name in names}
    return found


def test_every_ros_package_imported_is_a_dependency():
    declared = {tag.text for tag in XML.iter("exec_depend")}
    modules = imported([*ROOT.glob("cns_ros/**/*.py"), *ROOT.glob("launch/*.py")])
    ros = {name for name in modules if re.fullmatch(ROS_PACKAGE, name)}
    assert ros and ros <= declared


def test_every_module_imported_by_the_core_is_a_requirement():
    modules = imported(ROOT.glob("cns_core/**/*.py")) - sys.stdlib_module_names - {"cns_core"}
    setup = setup_arguments()
    requirements = [*setup["install_requires"], *sum(setup["extras_require"].values(), [])]
    assert {project_name(PROJECTS.get(name, name)) for name in modules} <= {
        project_name(requirement) for requirement in requirements
    }


def test_every_requirement_is_pinned():
    setup = setup_arguments()
    requirements = [*setup["install_requires"], *sum(setup["extras_require"].values(), [])]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {project_name(line) for line in lines if not line.startswith("#")}
    assert {project_name(requirement) for requirement in requirements} <= pins


def test_every_entry_point_leads_to_a_function():
    for entry in setup_arguments()["entry_points"]["console_scripts"]:
        module, function = entry.split(" = ")[1].split(":")
        tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_wheel_brings_what_ros2_looks_for(tmp_path):
    source = tmp_path / "source"
    left_out = shutil.ignore_patterns(".*", "build", "*.egg-info", "out", "runs", "__pycache__")
    shutil.copytree(ROOT, source, ignore=left_out)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(source)], check=True)
    with ZipFile(next(tmp_path.glob("cns_ros-*.whl"))) as wheel:
        entries = {entry.filename: entry for entry in wheel.infolist()}
    data = next(name for name in entries if ".data/data/" in name).split(".data/")[0] + ".data/data"
    expected = {f"{data}/share/ament_index/resource_index/packages/cns_ros"}
    expected |= {f"{data}/share/cns_ros/package.xml"}
    for folder in ("launch", "config", "models"):
        files = [path for path in (ROOT / folder).glob("*") if path.is_file()]
        expected |= {f"{data}/share/cns_ros/{folder}/{path.name}" for path in files}
    launchers = {f"{data}/lib/cns_ros/{path.name}" for path in (ROOT / "scripts").iterdir()}
    assert expected | launchers <= set(entries)
    assert all(entries[name].external_attr >> 16 & 0o111 for name in launchers)
    assert "cns_core/geometry/se3.py" in entries and "cns_ros/bringup/node_set.py" in entries


CONDA = {"opencv-python-headless": "py-opencv", "matplotlib": "matplotlib-base"}
"""conda-forge's names where they are others."""


def bounds(requirements):
    """Requirements as a dictionary: name, and what versions are asked for."""
    found = (re.match(r"([\w.-]+)\s*(.*)", requirement).groups() for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower(): versions for name, versions in found}


def test_the_doctor_looks_for_all_that_setup_requires():
    (seen,) = (
        finding.seen
        for finding in examine_installation(DoctorSettings())
        if finding.check == "packages"
    )
    looked_for = {part.split()[0] for part in seen.split(", ")}
    assert looked_for == bounds(setup_arguments()["install_requires"]).keys()


def test_pixi_installs_what_the_packages_depend_on():
    pixi = tomllib.loads((ROOT / "pixi.toml").read_text())
    setup = setup_arguments()
    assert pixi["workspace"]["version"] == setup["version"]
    theirs = ElementTree.parse(ROOT / "cns_interfaces" / "package.xml").getroot()
    kinds = ("exec_depend", "depend", "buildtool_depend")
    names = {tag.text for xml in (XML, theirs) for kind in kinds for tag in xml.iter(kind)}
    ros = {name for name in names if not name.startswith("python3-")} - {"cns_interfaces"}
    assert {f"ros-jazzy-{name.replace('_', '-')}" for name in ros} <= pixi["dependencies"].keys()

    extras = setup["extras_require"]
    wanted = bounds([*setup["install_requires"], *extras["arm"], *extras["record"], *extras["sim"]])
    given = {**pixi["dependencies"], **pixi["pypi-dependencies"]}
    given = {name.replace("_", "-"): versions for name, versions in given.items()}
    for name, versions in wanted.items():
        assert given[CONDA.get(name, name)] == versions, name


def test_the_image_installs_extras_that_there_are_from_files_that_there_are():
    text = (ROOT / "docker" / "Dockerfile").read_text()
    extras = re.search(r"src/cns_ros\[([\w,]+)\]", text)[1].split(",")
    assert {"arm", "sim"} <= set(extras) <= setup_arguments()["extras_require"].keys()
    inside = re.findall(r"(?:src/cns_ros/|COPY [^ ]* ?)(docker/[\w.]+)", text)
    assert set(inside) == {"docker/constraints.txt", "docker/entrypoint.sh"}
    assert all((ROOT / name).is_file() for name in inside)


def test_the_page_on_installing_names_every_extra():
    page = (ROOT / "docs" / "install.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert rows == setup_arguments()["extras_require"].keys()
