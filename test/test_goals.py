"""Goals with names: files that are whole or not there, and names that stay in their folder."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.goals import atomic_files
from cns_core.goals.goal import Goal, GoalError, GoalInfo
from cns_core.goals.names import checked_name
from cns_core.goals.store import GoalStore

CAMERA = PinholeCamera(64, 48, 54.0, 55.0, 32.0, 24.0, (0.1, -0.02, 0.0, 0.001))
INFO = GoalInfo(
    CAMERA,
    "2026-03-01T12:00:00+01:00",
    se3.pose(Rotation.from_rotvec([0.1, -0.2, 0.3]), (0.4, 0.5, 0.6)),
    "base",
    0.47,
)


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def goal(seed=0):
    mask = np.zeros((48, 64), np.uint8)
    mask[:30] = 255
    return Goal(INFO, picture(seed), mask)


@pytest.fixture
def store(tmp_path):
    return GoalStore(tmp_path / "goals")


def names(store):
    return [each.name for each in store.list()]


def assert_same(loaded, saved):
    np.testing.assert_array_equal(loaded.image, saved.image)
    np.testing.assert_array_equal(loaded.mask, saved.mask)
    np.testing.assert_array_equal(loaded.info.pose, saved.info.pose)
    assert replace(loaded.info, pose=None) == replace(saved.info, pose=None)


def test_a_goal_comes_back_as_it_was_saved(store):
    assert store.list() == []
    assert store.save("Dock 1, übermorgen 停靠", goal()) == "Dock 1, übermorgen 停靠"
    assert_same(store.load("Dock 1, übermorgen 停靠", CAMERA), goal())
    (entry,) = store.list()
    assert not entry.problem
    assert entry.info.depth_prior_m == 0.47
    files = sorted(path.name.split("-")[0] for path in (store.folder / entry.name).iterdir())
    assert files == ["goal.yaml", "image", "mask", "thumbnail"]


def test_what_is_not_known_is_left_out(store):
    plain = Goal(GoalInfo(CAMERA, "then"), picture()[..., 0])
    store.save("plain", plain)
    loaded = store.load("plain")
    assert (loaded.mask, loaded.info.pose, loaded.info.depth_prior_m) == (None, None, None)
    np.testing.assert_array_equal(loaded.image, plain.image)


def test_numbers_of_numpy_are_numbers(store):
    one = np.float32(1.5)
    info = GoalInfo(PinholeCamera(np.int64(64), 48, one, one, one, one), "then", None, "base", one)
    store.save("a", Goal(info, picture()))
    assert store.load("a").info == info


def test_a_name_is_taken_until_it_may_be_replaced(store):
    store.save("a", goal(0))
    with pytest.raises(GoalError, match="already"):
        store.save("a", goal(1))
    store.save("a", goal(1), replace=True)
    assert_same(store.load("a"), goal(1))
    assert len(list((store.folder / "a").iterdir())) == 4, "the former pictures are gone"


def test_rename_and_delete(store):
    store.save("a", goal(0))
    store.save("b", goal(1))
    with pytest.raises(GoalError, match="already"):
        store.rename("a", "b")
    store.rename("a", "c")
    assert_same(store.load("c"), goal(0))
    store.delete("b")
    assert names(store) == ["c"]
    with pytest.raises(GoalError, match="no goal 'b'"):
        store.delete("b")
    with pytest.raises(GoalError, match="did you mean 'dock'"):
        store.rename("c", "dock")
        store.load("dok")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", ".", "..", "../a", "a/b", "/etc", "a\\b", ".hidden", "-rf", "a\0b", "a\nb"),
        *("a ", " a", "\u202eabc", "a:b", "x" * 201, "é" * 101, "now", "Now", "\ud800", "a."),
    ],
)
def test_a_hostile_name_is_refused_by_every_verb(store, name):
    store.save("a", goal())
    for act in (
        lambda: store.save(name, goal()),
        lambda: store.load(name),
        lambda: store.rename("a", name),
        lambda: store.rename(name, "b"),
        lambda: store.delete(name),
    ):
        with pytest.raises(GoalError, match="a goal's name"):
            act()
    assert names(store) == ["a"]
    assert [path.name for path in store.folder.parent.iterdir()] == ["goals"]


def test_two_spellings_of_a_letter_are_one_name(store):
    store.save("e\u0301", goal())
    assert checked_name("e\u0301") == "\u00e9"
    store.load("\u00e9")


def test_another_camera_is_named(store):
    store.save("a", goal())
    with pytest.raises(GoalError, match=r"64x48 pixels.*32x24"):
        store.load("a", PinholeCamera(32, 24, 27.0, 27.0, 16.0, 12.0))
    with pytest.raises(GoalError, match="another camera"):
        store.load("a", replace(CAMERA, fx=70.0))
    store.load("a", replace(CAMERA, fx=54.01))  # it has focused


def damage(store, how):
    folder = store.folder / "a"
    sheet = folder / "goal.yaml"
    content = yaml.safe_load(sheet.read_text())
    image = folder / content["image"]
    if how == "no sheet":
        sheet.unlink()
    elif how == "half a sheet":
        sheet.write_bytes(sheet.read_bytes()[:40])
    elif how == "not text":
        sheet.write_bytes(b"\xff\xfe\x00")
    elif how == "deep":
        sheet.write_text("[" * 5000)
    elif how == "huge":
        sheet.write_text("x" * 100_000)
    elif how == "a list":
        sheet.write_text("[1, 2]")
    elif how == "code":
        sheet.write_text("!!python/object/apply:os.system ['true']")
    elif how == "half an image":
        image.write_bytes(image.read_bytes()[:100])
    elif how == "no image":
        image.unlink()
    else:
        sheet.write_text(yaml.safe_dump({**content, **how}))


@pytest.mark.parametrize(
    "how",
    [
        *("no sheet", "half a sheet", "not text", "deep", "huge", "a list", "code"),
        {"image": "../../secret.png"},
        {"image": "/etc/passwd"},
        {"image": ["image.png"]},
        {"image": None},
        {"version": 2},
        {"camera": {"width": 64}},
        {"camera": None},
        {"camera": {"width": "64", "height": 48, "fx": "a", "fy": 1, "cx": 1, "cy": 1}},
        {"depth_prior": -1.0},
        {"depth_prior": "deep"},
        {"T_base_camera": [[1, 2], [3, 4]]},
        {"T_base_camera": np.ones((4, 4)).tolist()},
        {"T_base_camera": "home"},
    ],
)
def test_a_damaged_goal_is_named_and_no_crash(store, how):
    store.save("a", goal())
    store.save("whole", goal())
    damage(store, how)
    broken, whole = store.list()
    assert str(store.folder / "a") in broken.problem
    assert not whole.problem
    with pytest.raises(GoalError):
        store.load("a")
    store.delete("a")
    assert names(store) == ["whole"]


@pytest.mark.parametrize("how", ["half an image", "no image"])
def test_pixels_that_have_changed_are_not_servoed_to(store, how):
    store.save("a", goal())
    damage(store, how)
    with pytest.raises(GoalError, match=r"image-.*save the goal again"):
        store.load("a")


def test_what_is_foreign_is_listed_as_such(store, tmp_path):
    store.save("a", goal())
    (store.folder / "notes.txt").write_text("hello")
    (store.folder / "link").symlink_to(store.folder / "a")
    problems = {each.name: each.problem for each in store.list()}
    assert not problems["a"]
    assert "no goal" in problems["notes.txt"]
    assert "no goal" in problems["link"]
    with pytest.raises(GoalError, match="in the way"):
        store.save("link", goal(), replace=True)
    with pytest.raises(GoalError, match="in the way"):
        store.save("notes.txt", goal())
    with pytest.raises(GoalError, match="no goal 'link'"):
        store.load("link")


def fail_at(monkeypatch, step, error):
    """Let the ``step``-th write to the disk fail."""
    count = iter(range(100))

    def fsync(handle):
        if next(count) == step:
            raise error

    monkeypatch.setattr(atomic_files.os, "fsync", fsync)


STEPS = range(9)  # three pictures and the sheet, each a file and its folder; then the folder of all


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_leaves_the_former_goal_or_the_new_one(store, monkeypatch, step):
    store.save("a", goal(0))
    fail_at(monkeypatch, step, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(GoalError, match=r"cannot be saved.*No space left.*make room"):
        store.save("a", goal(1), replace=True)
    # The seventh write has replaced the sheet, and only seeing the folder to the disk failed.
    assert_same(store.load("a"), goal(0 if step < 7 else 1))
    monkeypatch.undo()
    store.save("a", goal(2), replace=True)
    assert len(list((store.folder / "a").iterdir())) == 4, "what was left over is gone"


@pytest.mark.parametrize("step", STEPS)
def test_a_first_goal_that_does_not_fit_leaves_nothing_broken(store, monkeypatch, step):
    fail_at(monkeypatch, step, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(GoalError):
        store.save("a", goal())
    assert not any(each.problem for each in store.list())


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_while_saving_leaves_the_former_goal_or_the_new_one(
    store, monkeypatch, step
):
    class Killed(BaseException):
        pass

    store.save("a", goal(0))
    fail_at(monkeypatch, step, Killed())
    # A process that is killed cleans nothing up.
    monkeypatch.setattr(atomic_files.Path, "unlink", lambda *_, **__: None)
    with pytest.raises(Killed):
        store.save("a", goal(1), replace=True)
    monkeypatch.undo()
    assert_same(store.load("a"), goal(0 if step < 7 else 1))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    store = GoalStore(tmp_path / "file" / "goals")
    with pytest.raises(GoalError, match=r"cannot be saved in .*file/goals"):
        store.save("a", goal())


def test_an_image_of_another_size_is_no_goal():
    with pytest.raises(GoalError, match="10x10"):
        Goal(INFO, np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(GoalError, match="mask"):
        Goal(INFO, picture(), np.zeros((10, 10), np.uint8))
