"""The observer of a recording, once more: the same images to the same or another version."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import Image, PointCloud2

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import make_observer
from cns_core.observers.base import FeatureObserver
from cns_ros.nodes.left_out_topic import same_goal
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.nodes.scene_mask import SceneMask
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.footage import KINDS, Footage
from cns_ros.recording.given import settings_of
from cns_ros.ros.bit_depth import BitDepth
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import nanoseconds
from cns_ros.ros.compressed_image import decode_compressed
from cns_ros.ros.image_codec import decode
from cns_ros.ros.matches import correspondence_from_matches, matches_from_correspondence

_ROUNDING_PX = 0.01  # as the node has it: such cameras are one and the same


@dataclass(frozen=True)
class Seen:
    """One image, answered again.

    Attributes:
        stamp_ns: of the image.
        same: whether the matches are the same, bit for bit.
        before, now: keypoints matched.
        apart_px: largest distance of a keypoint that is matched both times; NaN if the goal has
            other keypoints now.
    """

    stamp_ns: int
    same: bool
    before: int
    now: int
    apart_px: float


@dataclass
class ObserverReplay:
    """What came of it.

    Attributes:
        images: those that were answered then.
        notes: what keeps it from being exact.
    """

    images: list[Seen] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def parting(self) -> Seen | None:
        """The first image that is answered otherwise."""
        return next((seen for seen in self.images if not seen.same), None)


def replay_observer(bag: BagReader, changed: Mapping[str, Any]) -> ObserverReplay:
    """Answer the images that were answered, in the observer's deterministic mode.

    Args:
        changed: parameters of the observer by name that are to be others than they were.

    Raises:
        ValueError: if the recording lacks images, camera_info, the goal or the matches.
    """
    cv2.setNumThreads(1)  # as the node does
    given = settings_of(ObserverSettings, bag.parameters("observer"))
    settings = settings_of(ObserverSettings, bag.parameters("observer"), changed)
    footage = Footage.of(bag)
    _require(footage, given, bag)
    replay, player = ObserverReplay(), _Player(settings, footage)
    replay.notes += _doubts(footage, given)
    missing = set(footage.answers)
    for entry in footage.images(bag, settings.image_transport):
        message = entry.message()
        stamp_ns = nanoseconds(message.header.stamp)
        if stamp_ns not in missing:
            continue
        missing.discard(stamp_ns)
        if seen := player.show(stamp_ns, message):
            replay.images.append(seen)
    if missing:
        replay.notes.append(f"{len(missing)} images that it saw are missing in the recording")
    return replay


def _require(footage: Footage, given: ObserverSettings, bag: BagReader) -> None:
    there = {
        "images": footage.topics,
        "camera_info": footage.infos,
        "observer/goal": footage.goals,
        "matches": footage.answers,
    }
    if lacking := [name for name, found in there.items() if not found]:
        raise ValueError(f"{bag.path} lacks {', '.join(lacking)}: the observer cannot be repeated")
    if given.stamp == "receive":
        raise ValueError(
            "the observer ran with stamp:=receive: which image was answered with which matches is "
            "not known"
        )


def _doubts(footage: Footage, given: ObserverSettings) -> Iterator[str]:
    if given.tracking and given.background:
        yield (
            "it matched in the background, where timing decides: exact only with its parameter "
            "background:=false (or tracking:=false)"
        )
    if given.image_transport not in {KINDS[kind] for _, kind in footage.topics}:
        yield "images were recorded as JPEG, not as it saw them: exact only with --images raw"
    if given.tracking and footage.goals[0][0] < min(footage.answers):
        before = [stamp for stamp in footage.answers if stamp <= footage.goals[0][0]]
        if not before and footage.goals[0][0] < footage.infos[0][0]:
            yield "its goal was set before the recording began: exact only after the next one"


class _Player:
    """An observer that is given goal, camera and what to leave out as they were at an image."""

    def __init__(self, settings: ObserverSettings, footage: Footage) -> None:
        self._settings, self._footage = settings, footage
        self._observer: FeatureObserver | None = None
        self._goal: Image | None = None
        self._left_out: Correspondence | None = None
        self._depth = BitDepth()

    def show(self, stamp_ns: int, message: Any) -> Seen | None:
        """Answer an image; None if no goal was set by then."""
        goals = self._footage.goals
        # It holds for what follows the image that was newest when it was set.
        index = bisect_left([each for each, _ in goals], stamp_ns) - 1
        if index < 0:
            return None
        observer = self._at(stamp_ns)
        if self._goal is not goals[index][1]:
            self._goal, self._depth = goals[index][1], BitDepth()
            observer.set_desired(decode(self._goal))
            self._left_out = None
        self._leave_out(observer, stamp_ns)
        correspondence = observer.observe(self._decode(message))
        answer = matches_from_correspondence(correspondence, message.header)
        observer.prepare()
        return _compare(stamp_ns, self._footage.answers[stamp_ns], answer, observer.camera)

    def _leave_out(self, observer: FeatureObserver, stamp_ns: int) -> None:
        """Have it leave out what was left out of the image, if the keypoints are the same ones."""
        told = self._footage.left_out
        index = bisect_right([each for each, _ in told], stamp_ns) - 1
        if index < 0 or told[index][1] is self._left_out or observer.desired is None:
            return
        self._left_out = told[index][1]
        if same_goal(self._left_out, observer.desired):
            observer.leave_out(self._left_out.matched)

    def _at(self, stamp_ns: int) -> FeatureObserver:
        """The observer with the camera of that time."""
        infos = self._footage.infos
        index = max(bisect_right([each for each, _ in infos], stamp_ns) - 1, 0)
        camera = camera_from_info(infos[index][1], self._settings.rectified)
        if self._observer is None:
            self._observer, self._goal = self._make(camera), None
        elif self._observer.camera.shift_px(camera) >= _ROUNDING_PX:
            self._observer.recalibrate(camera)
        return self._observer

    def _make(self, camera: PinholeCamera) -> FeatureObserver:
        settings = self._settings
        return make_observer(
            settings.observer_name,
            camera,
            verify=settings.verify,
            tracking=settings.tracking,
            max_keypoints=settings.max_keypoints,
            mask=SceneMask(settings.mask).of(camera),
            background=False,
            smooth_px=settings.smooth_px,
        )

    def _decode(self, message: Any) -> np.ndarray:
        if isinstance(message, Image):
            return decode(message, self._depth)
        return decode_compressed(message, self._depth)


def _compare(stamp_ns: int, before: PointCloud2, now: PointCloud2, camera: PinholeCamera) -> Seen:
    then, again = map(correspondence_from_matches, (before, now))
    apart_px = float("nan")
    if np.array_equal(then.desired, again.desired):
        both = then.matched & again.matched
        moved = np.linalg.norm(then.current[both] - again.current[both], axis=1)
        apart_px = float(camera.focal * moved.max(initial=0.0))
    same = bytes(before.data) == bytes(now.data)
    if before.point_step != now.point_step:  # recorded before deviations were told
        columns = ("desired", "current", "matched")
        same = all(np.array_equal(getattr(then, each), getattr(again, each)) for each in columns)
    return Seen(stamp_ns, same, then.count, again.count, apart_px)
