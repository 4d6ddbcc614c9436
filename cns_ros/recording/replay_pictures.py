"""The pictures of ``make servo``, from a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2

from cns_core.record.episode_figures import draw_episode
from cns_core.record.episode_log import EpisodeLog
from cns_core.record.graph_figure import Frame
from cns_core.record.session_replay import Repeated
from cns_core.record.step_record import StepRecord
from cns_core.structure.odometry import PoseHistory
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.footage import Footage
from cns_ros.recording.replay_controller import ControllerReplay
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import nanoseconds, seconds
from cns_ros.ros.compressed_image import decode_compressed
from cns_ros.ros.image_codec import decode
from cns_ros.ros.matches import correspondence_from_matches
from cns_ros.ros.poses_twists import pose_from_message

_FRAME_EVERY_S = 0.5
_AHEAD_S = 0.2
_POSES = ("twin/ground_truth", "tcp_pose")
"""The camera's pose, the better one first."""


def draw_replay(folder: Path, bag: BagReader, replay: ControllerReplay) -> dict[str, float]:
    """Write pictures, CSV and JSON of the last episode into ``folder``; the figures.

    Raises:
        ValueError: naming what the recording lacks for that.
    """
    footage, poses = Footage.of(bag), _poses(bag)
    if not (footage.goals and footage.infos and footage.topics and len(poses) > 1):
        raise ValueError("pictures need images, camera_info, observer/goal and tcp_pose")
    _, goal = footage.goals[-1]
    steps = _last_episode(replay)
    ends = [pose for pose in (poses.at(_time_s(step)) for step in steps) if pose is not None]
    if not ends:
        raise ValueError("no pose of the camera is known during an episode")
    # Where the camera was at the goal image, or else where it ended.
    known = poses.at(seconds(goal.header.stamp))
    target = ends[-1] if known is None else known
    where = "where the episode ended" if known is None else "where its image was taken"
    log = EpisodeLog(settings={"recording": str(bag.path), "goal": where})
    log.steps = [each for step in steps for each in _records(step, steps[0], target, poses)]
    frames = _frames(bag, footage, _time_s(steps[0]), _time_s(steps[-1]))
    if not frames:
        raise ValueError("no image of the episode is in the recording")
    figures = log.save(folder, {"status": steps[-1].call.status})
    camera = camera_from_info(footage.infos[-1][1])
    draw_episode(folder, log, camera, frames, _bgr(decode(goal)), target)
    return figures


def _last_episode(replay: ControllerReplay) -> list[Repeated]:
    """The answered images from the last start on that led to a motion."""
    episodes: list[list[Repeated]] = [[]]
    for step in replay.steps:
        if step.call.name == "start":
            episodes.append([])
        elif step.call.name == "take" and step.twist is not None:
            episodes[-1].append(step)
    return next((steps for steps in reversed(episodes) if len(steps) > 1), [])


def _time_s(step: Repeated) -> float:
    """When it was answered, on the images' clock."""
    return step.call.now.image_clock_s if step.call.now else np.nan


def _records(
    step: Repeated, first: Repeated, goal: NDArray[np.float64], poses: PoseHistory
) -> Iterator[StepRecord]:
    """The record of a step; none where the camera's pose is not known."""
    pose, taken_s, seen = poses.at(_time_s(step)), step.call.image_time_s, step.correspondence
    if pose is None or step.twist is None or taken_s is None or seen is None:
        return
    yield StepRecord.towards(
        goal,
        pose,
        _time_s(step) - _time_s(first),
        twist=step.twist,
        keypoint_error=seen.error,
        matched=seen.count,
        image_age_s=_time_s(step) - taken_s,
        timings=None if step.call.control_s is None else {"control": step.call.control_s},
    )


def _frames(bag: BagReader, footage: Footage, begin_s: float, end_s: float) -> list[Frame]:
    """Images and what was matched in them, every half second and the last."""
    frames: list[Frame] = []
    last: tuple[Any, PointCloud2] | None = None
    for entry in footage.images(bag, "raw"):
        message = entry.message()
        time_s = seconds(message.header.stamp)
        answer = footage.answers.get(nanoseconds(message.header.stamp))
        if answer is None or not begin_s <= time_s <= end_s:
            continue
        last = None
        if time_s >= begin_s + _FRAME_EVERY_S * len(frames):
            frames.append(_frame(message, answer))
        else:
            last = message, answer
    return frames if last is None else [*frames, _frame(*last)]


def _frame(message: Any, answer: PointCloud2) -> Frame:
    image = decode(message) if isinstance(message, Image) else decode_compressed(message)
    return _bgr(image), correspondence_from_matches(answer)


def _bgr(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def _poses(bag: BagReader) -> PoseHistory:
    """Of the first topic that tells any."""
    for topic in _POSES:
        history = PoseHistory(longest_s=np.inf, largest_gap_s=np.inf, ahead_s=_AHEAD_S)
        for entry in bag.entries(topic):
            message = entry.message()
            history.add(seconds(message.header.stamp), pose_from_message(message))
        if len(history) > 1:
            break
    return history
