"""The goals of one folder: save, list, load, rename, delete."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from cns_core.geometry.camera import PinholeCamera
from cns_core.goals.atomic_files import sync_folder
from cns_core.goals.goal import Goal, GoalError, GoalInfo
from cns_core.goals.goal_files import SHEET, read_goal, read_info, write_goal
from cns_core.goals.names import checked_name
from cns_core.settings import nearest

_ANOTHER_CAMERA = 0.01
"""Of the image's width: by so much focusing moves an image. Beyond, the camera is another one."""


@dataclass(frozen=True)
class Entry:
    """One thing in the folder.

    Attributes:
        name: the goal's, or the file's where there is none.
        info: None where it cannot be read.
        problem: why not; empty for a goal that is well.
    """

    name: str
    info: GoalInfo | None = None
    problem: str = ""


class GoalStore:
    """Goals with names as plain files, one folder each: ``goal.yaml`` and PNG files.

    Args:
        folder: made with the first goal; ``~`` is the home.

    Example:
        >>> store = GoalStore("goals")
        >>> store.save("dock", Goal(GoalInfo(camera, time), image))
        >>> store.load("dock", camera).image
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()

    def save(self, name: str, goal: Goal, *, replace: bool = False) -> str:
        """Keep a goal under a name, whole or not at all; the name as it is spelt on disk.

        Args:
            replace: whether it may take the place of a goal of this name.

        Raises:
            GoalError: for a bad name, one that is taken, or a folder that cannot be written.
        """
        name = checked_name(name)
        folder = self.folder / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise GoalError(f"{folder} is in the way and no goal: remove it, or take another name")
        if (folder / SHEET).exists() and not replace:
            raise GoalError(f"there is a goal {name!r} already: replace it, or take another name")
        is_new = not folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_goal(folder, goal)
            sync_folder(self.folder)
        except OSError as reason:
            if is_new and not (folder / SHEET).exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise self._unwritten(f"goal {name!r} cannot be saved", reason) from reason
        return name

    def list(self) -> list[Entry]:
        """Everything in the folder by name; what is no goal, or a broken one, with its problem."""
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as reason:
            raise GoalError(f"{self.folder} cannot be read: {reason.strerror}") from reason
        return [self._entry(path) for path in paths if not path.name.startswith(".")]

    def load(self, name: str, camera: PinholeCamera | None = None) -> Goal:
        """The goal of a name, checked.

        Args:
            camera: what the goal is to be seen with; None not to ask.

        Raises:
            GoalError: if there is none, it is damaged, or another camera took it.
        """
        goal = read_goal(self._existing(name))
        if camera is not None:
            _check_camera(name, goal.info.camera, camera)
        return goal

    def rename(self, name: str, to: str) -> str:
        """Give a goal another name; the name as it is spelt on disk.

        Raises:
            GoalError: if there is no such goal, or the new name is bad or taken.
        """
        old, to = self._existing(name), checked_name(to)
        new = self.folder / to
        if new.exists() or new.is_symlink():
            raise GoalError(f"there is a {to!r} already: delete it first, or take another name")
        self._move(old, new, f"goal {name!r} cannot be renamed")
        return to

    def delete(self, name: str) -> None:
        """Remove a goal, or what is left of one.

        Raises:
            GoalError: if there is none, or it cannot be removed.
        """
        # Out of sight in one step: half a goal must not be left under its name.
        gone = self.folder / f".deleted-{uuid.uuid4().hex}"
        self._move(self._existing(name), gone, f"goal {name!r} cannot be deleted")
        shutil.rmtree(gone, ignore_errors=True)

    def _entry(self, path: Path) -> Entry:
        if path.is_symlink() or not path.is_dir():
            return Entry(path.name, problem=f"{path} is no goal: a goal is a folder")
        try:
            checked_name(path.name)
            info, _ = read_info(path)
        except GoalError as reason:
            return Entry(path.name, problem=str(reason))
        return Entry(path.name, info)

    def _existing(self, name: str) -> Path:
        folder = self.folder / checked_name(name)
        if folder.is_symlink() or not folder.is_dir():
            known = [each.name for each in self.list() if not each.problem]
            there = nearest(name, known) or f"; there are {known or 'none yet'}"
            raise GoalError(f"no goal {name!r} in {self.folder}{there}")
        return folder

    def _move(self, old: Path, new: Path, failure: str) -> None:
        try:
            os.rename(old, new)
            sync_folder(self.folder)
        except OSError as reason:
            raise self._unwritten(failure, reason) from reason

    def _unwritten(self, failure: str, reason: OSError) -> GoalError:
        said = reason.strerror or str(reason)
        return GoalError(f"{failure} in {self.folder}: {said}; make room, or name another folder")


def _check_camera(name: str, then: PinholeCamera, now: PinholeCamera) -> None:
    shift = then.shift_px(now)
    if (then.width, then.height) != (now.width, now.height):
        raise GoalError(
            f"goal {name!r} is {then.width}x{then.height} pixels, but the camera's images are "
            f"{now.width}x{now.height}: set the camera's mode of then, or save the goal again"
        )
    if shift > _ANOTHER_CAMERA * now.width:
        raise GoalError(
            f"goal {name!r} was taken by another camera: the two see the same up to {shift:.0f} "
            f"pixels apart, {_ANOTHER_CAMERA * now.width:.0f} are allowed; save the goal again"
        )
