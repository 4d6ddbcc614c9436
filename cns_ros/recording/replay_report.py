"""What a replay has shown, in a few lines."""

from __future__ import annotations

import math

from cns_ros.recording.replay_controller import ControllerReplay
from cns_ros.recording.replay_observer import ObserverReplay


def controller_lines(replay: ControllerReplay) -> list[str]:
    """Whether the controller answers as it did, and where not."""
    lines = [f"controller: note: {note}" for note in replay.notes]
    twists, first = replay.twists, replay.parting
    if not replay.steps:
        return [*lines, "controller: nothing to compare: no ~/start is in the recording"]
    count = f"{len(replay.steps)} calls, {len(twists)} twists"
    if first is None:
        return [*lines, f"controller: {count}: all the same, bit for bit"]
    parted = [step for step in twists if not step.same]
    begin = replay.steps[0].call.now
    at = first.call.now
    when = f", {at.steady_s - begin.steady_s:.3f} s after the start" if at and begin else ""
    lines.append(f"controller: {count}: {len(parted)} are others")
    lines.append(
        f"controller: parts at call {replay.steps.index(first)} ({first.call.name}{when}): "
        f"{first.linear_m_s:.3g} m/s and {first.angular_rad_s:.3g} rad/s apart"
        + (f"; refused: {first.refused}" if first.refused else "")
    )
    linear = max((step.linear_m_s for step in parted), default=0.0)
    angular = max((step.angular_rad_s for step in parted), default=0.0)
    lines.append(f"controller: apart by at most {linear:.3g} m/s and {angular:.3g} rad/s")
    return lines


def observer_lines(replay: ObserverReplay) -> list[str]:
    """Whether the observer finds what it found, and where not."""
    lines = [f"observer: note: {note}" for note in replay.notes]
    images, first = replay.images, replay.parting
    if not images:
        return [*lines, "observer: nothing to compare: no image was answered after a goal"]
    if first is None:
        return [*lines, f"observer: {len(images)} images: all matches the same, bit for bit"]
    others = [seen for seen in images if not seen.same]
    lines.append(f"observer: {len(images)} images: the matches of {len(others)} are others")
    lines.append(
        f"observer: parts at image {images.index(first)}: {first.before} keypoints matched before, "
        f"{first.now} now; {_apart(first.apart_px)}"
    )
    furthest_px = max(seen.apart_px for seen in others)
    fewer = max(abs(seen.before - seen.now) for seen in others)
    lines.append(f"observer: at most: {fewer} more or fewer; {_apart(furthest_px)}")
    return lines


def _apart(distance_px: float) -> str:
    if math.isnan(distance_px):
        return "the goal has other keypoints"
    return f"those of both {distance_px:.3g} px apart"
