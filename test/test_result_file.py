"""The file of a calibration: refused before the work, never half written, its former one kept."""

import os
from pathlib import Path

import pytest

from cns_core.calibration.result_file import replace_file, writable_file


def test_a_path_is_made_absolute_and_the_home_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert writable_file("~/hand_eye.yaml") == tmp_path.resolve() / "hand_eye.yaml"
    assert writable_file("hand_eye.yaml") == tmp_path.resolve() / "hand_eye.yaml"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "got an empty one"),
        ("{}/not/there/x.yaml", "make the folder"),
        ("{}", "is not a file"),
        ("/dev/null", "is not a file"),
        ("/proc/hand_eye.yaml", "cannot be written"),
        ("~nobody_of_this_name/x.yaml", "cannot be written"),
        ("{}/file/x.yaml", "cannot be written"),
        ("{}/" + 300 * "x", "cannot be written"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_with_the_reason(tmp_path, name, complaint):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=complaint):
        writable_file(name.format(tmp_path))


def test_the_former_file_is_kept_beside_the_new_one(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    assert replace_file(path, lambda new: new.write_text("first") and None) is None
    kept = replace_file(path, lambda new: new.write_text("second") and None)
    assert (path.read_text(), kept.read_text()) == ("second", "first")
    assert kept == tmp_path / "hand_eye.yaml.bak"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_writing_that_fails_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    path.write_text("good")

    def fail(new: Path) -> None:
        new.write_text("hal")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(path, fail)
    assert os.listdir(tmp_path) == ["hand_eye.yaml"]
    assert path.read_text() == "good"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.yaml").write_text("first")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "real.yaml")
    replace_file(
        writable_file(str(tmp_path / "link.yaml")), lambda new: new.write_text("2") and None
    )
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == "2"
