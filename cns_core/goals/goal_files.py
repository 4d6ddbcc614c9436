"""One goal as files of a folder: ``goal.yaml`` beside the PNG files that it names.

The PNG files are named after their content, and ``goal.yaml`` is written last: as long as it has
not been replaced, the goal is the former one, and from then on it is the new one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.goals.atomic_files import TEMPORARY, write_whole
from cns_core.goals.goal import Goal, GoalError, GoalInfo

SHEET = "goal.yaml"
_VERSION = 1
_THUMBNAIL_WIDTH = 160
_PICTURES = ("image", "mask", "thumbnail")
_PICTURE = re.compile(r"(?:image|mask|thumbnail)-([0-9a-f]{16})\.png")
_LARGEST_SHEET, _MOST_BRACKETS = 1 << 14, 64  # ours have 1000 bytes and at most one of these
_ANEW = "save the goal again, or delete it"


def write_goal(folder: Path, goal: Goal) -> None:
    """Make ``folder``, which exists, hold the goal.

    Raises:
        OSError: if it cannot be written; a goal that was there still is.
    """
    pictures = {kind: _png(picture) for kind, picture in _pictures(goal).items()}
    files = {kind: f"{kind}-{_digest(content)}.png" for kind, content in pictures.items()}
    sheet = yaml.safe_dump({**_described(goal.info), **files}, sort_keys=False, allow_unicode=True)
    for kind, content in pictures.items():
        write_whole(folder / files[kind], content)
    write_whole(folder / SHEET, sheet.encode())
    for path in folder.iterdir():
        left_over = path.name.startswith(TEMPORARY) or _PICTURE.fullmatch(path.name)
        if left_over and path.name not in files.values():
            path.unlink(missing_ok=True)


def read_info(folder: Path) -> tuple[GoalInfo, dict[str, Path]]:
    """All but the pixels, and the files of these, which exist.

    Raises:
        GoalError: saying what is missing or foreign.
    """
    sheet = _sheet(folder / SHEET)
    try:
        info = _info(sheet)
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        said = f"lacks {reason}" if isinstance(reason, KeyError) else f"is not right: {reason}"
        raise GoalError(f"{folder / SHEET} {said}; {_ANEW}") from None
    pictures = {kind: _picture(folder, sheet[kind]) for kind in _PICTURES if sheet.get(kind)}
    if "image" not in pictures:
        raise GoalError(f"{folder / SHEET} names no image; {_ANEW}")
    return info, pictures


def read_goal(folder: Path) -> Goal:
    """The goal in a folder.

    Raises:
        GoalError: saying what is missing, foreign, or not as it was written.
    """
    info, pictures = read_info(folder)
    image = _read_png(pictures["image"])
    mask = _read_png(pictures["mask"]) if "mask" in pictures else None
    try:
        return Goal(info, image, mask)
    except GoalError as reason:
        raise GoalError(f"{folder}: {reason}; {_ANEW}") from None


def _described(info: GoalInfo) -> dict[str, Any]:
    """What the sheet says, in plain numbers: those of NumPy are no YAML."""
    camera = {
        name: int(value) if name in ("width", "height") else float(value)
        for name, value in asdict(info.camera).items()
        if name not in ("distortion", "fisheye")
    }
    distortion = [float(each) for each in info.camera.distortion]
    depth_m = info.depth_prior_m
    return {
        "version": _VERSION,
        "time": info.time,
        "camera": {**camera, "distortion": distortion, "fisheye": bool(info.camera.fisheye)},
        "depth_prior": None if depth_m is None else float(depth_m),
        "frame": info.frame,
        "T_base_camera": None if info.pose is None else np.asarray(info.pose, float).tolist(),
    }


def _pictures(goal: Goal) -> dict[str, NDArray[np.uint8]]:
    height, width = goal.image.shape[:2]
    small = (_THUMBNAIL_WIDTH, max(1, round(height * _THUMBNAIL_WIDTH / width)))
    thumbnail = np.asarray(cv2.resize(goal.image, small, interpolation=cv2.INTER_AREA), np.uint8)
    masks = {} if goal.mask is None else {"mask": goal.mask}
    return {"image": goal.image, **masks, "thumbnail": thumbnail}


def _png(picture: NDArray[np.uint8]) -> bytes:
    _, content = cv2.imencode(".png", picture)
    return content.tobytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _sheet(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink():
            raise GoalError(f"{path} is a link, and a goal is a folder of plain files; {_ANEW}")
        if (size := path.stat().st_size) > _LARGEST_SHEET:
            raise GoalError(f"{path} has {size} bytes and is none of ours; {_ANEW}")
        text = path.read_text(encoding="utf-8")
        if text.count("[") + text.count("{") > _MOST_BRACKETS:  # the parser would take seconds
            raise GoalError(f"{path} is nested and none of ours; {_ANEW}")
        sheet = yaml.safe_load(text)
    except FileNotFoundError:
        raise GoalError(f"{path} is missing: saving was interrupted; {_ANEW}") from None
    except OSError as reason:
        raise GoalError(f"{path} cannot be read: {reason.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as reason:
        said = " ".join(str(reason).split())
        raise GoalError(f"{path} is no YAML: {said}; {_ANEW}") from None
    if not isinstance(sheet, dict) or sheet.get("version") != _VERSION:
        seen = sheet.get("version") if isinstance(sheet, dict) else type(sheet).__name__
        raise GoalError(f"{path} must have version: {_VERSION}, got {seen!r}; {_ANEW}")
    return sheet


def _info(sheet: dict[str, Any]) -> GoalInfo:
    camera = dict(sheet["camera"])
    camera["distortion"] = tuple(camera.get("distortion", ()))
    pose, depth = sheet.get("T_base_camera"), sheet.get("depth_prior")
    return GoalInfo(
        camera=PinholeCamera(**camera),
        time=str(sheet["time"]),
        pose=None if pose is None else np.array(pose, dtype=float),
        frame=str(sheet.get("frame", "base")),
        depth_prior_m=None if depth is None else float(depth),
    )


def _picture(folder: Path, name: object) -> Path:
    if not isinstance(name, str) or not _PICTURE.fullmatch(name):
        raise GoalError(f"{folder / SHEET} names {name!r}, which is no picture of ours; {_ANEW}")
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise GoalError(f"{path} is missing or no plain file; {_ANEW}")
    return path


def _read_png(path: Path) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise GoalError(f"{path} cannot be read: {reason.strerror}") from None
    found = _PICTURE.fullmatch(path.name)
    if found is None or _digest(content) != found[1]:
        raise GoalError(f"{path} has changed since it was saved; {_ANEW}")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise GoalError(f"{path} is no PNG; {_ANEW}")
    return np.asarray(picture, np.uint8)
