"""The command ``cns``: quick help, one table, and a remedy for whatever is missing."""

import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from cns_ros.cli import main as cli
from cns_ros.cli.commands import COMMANDS, Command
from cns_ros.cli.remedies import remedy

ROOT = Path(__file__).resolve().parents[1]
SCREEN_LINES, SCREEN_COLUMNS = 24, 80


@pytest.fixture
def command(monkeypatch):
    """Make ``cns probe`` start a function of this module; the words it was given come back."""
    monkeypatch.setattr(sys, "argv", ["cns"])

    def add(function, needs_ros=False):
        module = sys.modules[__name__]
        monkeypatch.setattr(module, "probe", function, raising=False)
        monkeypatch.setitem(COMMANDS, "probe", Command(f"{__name__}:probe", "tried", needs_ros))

    return add


def python(program, *blocked):
    """Output of a program, run where the modules ``blocked`` are not installed."""
    hide = f"""
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
hidden = lambda name: name.split(".")[0] in {blocked!r}
PathFinder.find_spec = lambda name, *rest: None if hidden(name) else find(name, *rest)
"""
    return subprocess.run(
        [sys.executable, "-c", hide + program], cwd=ROOT, capture_output=True, text=True
    )


def test_the_help_fits_a_screen_and_names_every_command():
    lines = cli.overview().splitlines()
    assert len(lines) <= SCREEN_LINES and max(map(len, lines)) <= SCREEN_COLUMNS
    for name in COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in lines)


def test_the_page_has_a_row_for_every_command():
    page = (ROOT / "docs" / "commands.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `cns ")]
    for name in COMMANDS:
        assert any(f"`cns {name}" in row for row in rows), name


def test_the_help_imports_nothing_that_takes_time():
    heavy = "numpy", "torch", "cv2", "rclpy", "yaml", "matplotlib"
    program = (
        "from cns_ros.cli.main import main\nassert main(['--help']) == 0\n"
        f"sys.exit(', '.join(set(sys.modules) & set({heavy})))"
    )
    ended = python(program)
    assert not ended.stderr.strip() and "cns COMMAND" in ended.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_leads_to_a_program_that_names_itself(name, monkeypatch, capsys):
    assert callable(resolve_name(COMMANDS[name].program))
    monkeypatch.setattr(sys, "argv", ["cns"])
    if name != "node":
        with pytest.raises(SystemExit) as end:
            cli.main([name, "--help"])
        assert end.value.code == 0
        assert f"cns {name}" in capsys.readouterr().out


def test_a_command_gets_its_words_and_gives_its_exit_code(command):
    command(lambda: len(sys.argv[1:]))
    assert cli.main(["probe", "--a", "b"]) == 2
    assert sys.argv == ["cns probe", "--a", "b"]
    command(lambda: None)
    assert cli.main(["probe"]) == 0


def test_a_misspelt_command_is_answered_with_the_nearest(capsys):
    assert cli.main(["serv"]) == 2
    assert "did you mean 'servo'?" in capsys.readouterr().err
    assert cli.main(["zzz"]) == 2
    assert "cns --help" in capsys.readouterr().err


def test_a_missing_extra_is_answered_with_what_installs_it(command, capsys):
    def needs_matplotlib():
        raise ModuleNotFoundError("No module named 'matplotlib.figure'", name="matplotlib.figure")

    command(needs_matplotlib)
    assert cli.main(["probe"]) == 1
    assert "pip install '.[sim]'" in capsys.readouterr().err


def test_an_import_that_fails_in_our_own_code_is_not_taken_for_a_missing_extra():
    with pytest.raises(ModuleNotFoundError):
        remedy(ModuleNotFoundError("No module named 'cns_core.nothing'", name="cns_core.nothing"))


@pytest.mark.parametrize(
    "error, said",
    [
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "'.[train]'"),
        (ModuleNotFoundError("No module named 'yaml'", name="yaml"), "pip install ."),
        (ModuleNotFoundError("no", name="rtde_control"), "'.[arm]'"),
        (ModuleNotFoundError("no", name="sensor_msgs.msg"), "setup.bash"),
        (ImportError("librcl.so: cannot open shared object file"), "librcl.so"),
    ],
)
def test_each_missing_module_has_a_remedy(error, said):
    assert said in remedy(error)


def test_without_ros_what_needs_it_says_so_and_the_rest_goes_on():
    ended = python("from cns_ros.cli.main import main\nsys.exit(main(['servo', '--sim']))", "rclpy")
    assert ended.returncode == 1 and "pip install '.[ros]'" in ended.stderr
    ended = python("from cns_ros.cli.main import main\nsys.exit(main(['train', '-h']))", "rclpy")
    assert ended.returncode == 0 and "usage: cns train" in ended.stdout
