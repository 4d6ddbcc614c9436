"""The camera's topics: rate, encoding, clock, and calibration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from cns_core.arm.hand_eye import HandEye
from cns_core.control.settings import SessionSettings
from cns_core.geometry.camera import PinholeCamera
from cns_core.stamp_watch import StampWatch
from cns_ros.doctor.finding import Finding, fail, ok, skipped, warn
from cns_ros.doctor.listener import Listener
from cns_ros.doctor.settings import DoctorSettings
from cns_ros.nodes.image_gate import ImageGate
from cns_ros.nodes.image_topic import ImageTopic
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.ros.camera_info import camera_from_info, size_in_words
from cns_ros.ros.clock import now_s, seconds
from cns_ros.ros.subscribe import subscribe_to_state

_PATIENCE_S, _INFO_S = 4.0, 0.5
_SLOW_HZ, _SILENCE_S = 10.0, 0.4


@dataclass
class _Heard:
    """What came in meanwhile; ``clock_s`` and ``steady_s`` are of the arrival."""

    images: list[Image] = field(default_factory=list)
    clock_s: list[float] = field(default_factory=list)
    steady_s: list[float] = field(default_factory=list)
    infos: list[CameraInfo] = field(default_factory=list)


def examine_camera(settings: DoctorSettings, listener: Listener) -> Iterator[Finding]:
    """Listen to images and camera_info for a while."""
    node, heard, gate = listener.node, _Heard(), ImageGate(ObserverSettings.frozen_images)

    def take(message: Image) -> None:
        heard.images[:] = [message]  # large, and the newest tells what they are
        heard.clock_s.append(now_s(node))
        heard.steady_s.append(time.monotonic())
        gate.admit(message, heard.clock_s[-1])

    topic = ImageTopic(node, _transport(listener), take, lambda reason: None)
    subscribe_to_state(node, CameraInfo, "camera_info", heard.infos.append)
    # Who publishes is known by now, and what is latched has come.
    patience_s = _PATIENCE_S if node.get_publishers_info_by_topic(topic.name) else _INFO_S
    if not listener.until(lambda: heard.images, patience_s):
        yield fail("camera", topic.absence(), "start the camera, or name its topic: --image-topic")
        yield skipped("camera clock", "no image")
        yield from _info(heard, None, settings)
        return
    listener.listen(settings.listen_s)
    yield _rate(heard, gate, node.resolve_topic_name("image"))
    image, encoding = _encoding(topic, heard.images[-1])
    yield encoding
    yield _clock(gate.stamps, heard)
    listener.until(lambda: heard.infos, _PATIENCE_S)
    yield from _info(heard, image, settings)
    yield from _frame(heard.images[-1].header.frame_id, settings)


def _transport(listener: Listener) -> str:
    """How images come, as far as the graph tells in time."""
    name = listener.node.resolve_topic_name("image")

    def types(topic: str) -> set[str]:
        found = listener.node.get_publishers_info_by_topic(topic)
        return {each.topic_type.rpartition("/")[2] for each in found}

    listener.until(lambda: types(name) or types(f"{name}/compressed"), _PATIENCE_S)
    compressed = "CompressedImage" in types(name) | types(f"{name}/compressed")
    return "compressed" if compressed and "Image" not in types(name) else "raw"


def _rate(heard: _Heard, gate: ImageGate, name: str) -> Finding:
    gaps_s = np.diff([*heard.steady_s, time.monotonic()])
    if gaps_s[-1] > _SILENCE_S:
        return fail("camera", f"{name} has stopped {gaps_s[-1]:.1f} s ago", "cable, driver")
    if gate.repetitions >= ObserverSettings.frozen_images:
        return fail("camera", gate.refusal)
    gaps_s = gaps_s[:-1]
    rate_hz = len(gaps_s) / float(np.sum(gaps_s))
    seen = f"{name}: {rate_hz:.1f} Hz, longest gap {1e3 * gaps_s.max():.0f} ms"
    if rate_hz < _SLOW_HZ:
        remedy = f"at least {_SLOW_HZ:.0f} Hz: frame rate, exposure, rmw profile, network"
        return warn("camera", seen, remedy)
    return ok("camera", seen)


def _encoding(topic: ImageTopic, message: Image) -> tuple[np.ndarray | None, Finding]:
    said = getattr(message, "encoding", "") or getattr(message, "format", "")
    try:
        image = topic.decode(message)
    except ValueError as reason:
        return None, fail("camera encoding", str(reason))
    return image, ok("camera encoding", f"{said}, {image.shape[1]}x{image.shape[0]}")


def _clock(watch: StampWatch, heard: _Heard) -> Finding:
    """Whether the images' stamps tell how old they are, as the nodes judge it."""
    longest_s = SessionSettings.max_image_age_s
    if reason := watch.stale(heard.clock_s[-1], longest_s):
        return fail("camera clock", reason)
    age_s = heard.clock_s[-1] - seconds(heard.images[-1].header.stamp)
    return ok("camera clock", f"images arrive {1e3 * age_s:.0f} ms after their stamp")


def _info(heard: _Heard, image: np.ndarray | None, settings: DoctorSettings) -> Iterator[Finding]:
    if not heard.infos:
        remedy = "the driver must publish it beside the images: --camera-info-topic names it"
        yield fail("camera_info", f"none on {settings.camera_info_topic}", remedy)
        return
    info = heard.infos[-1]
    try:
        camera = camera_from_info(info)
        if image is not None:
            camera.check_image(image)
    except ValueError as reason:
        remedy = "camera_calibration; the driver must load what it wrote"
        yield fail("camera_info", f"{reason} (camera_info: {size_in_words(info)})", remedy)
        return
    yield ok("camera_info", f"{size_in_words(info)}, {_lens(camera, info)}")


def _lens(camera: PinholeCamera, info: CameraInfo) -> str:
    distorted = info.distortion_model if camera.distortion else "no distortion"
    return f"f {camera.focal:.0f} px, {distorted}"


def _frame(frame: str, settings: DoctorSettings) -> Iterator[Finding]:
    """The driver refuses twists in another frame than the hand-eye file's."""
    if not settings.hand_eye:
        return
    try:
        expected = HandEye.load(settings.hand_eye).camera_frame
    except ValueError:
        return  # told of the file already
    if frame == expected:
        yield ok("camera frame", frame)
    else:
        seen = f"images are in {frame!r}, the hand-eye file says {expected!r}"
        yield fail("camera frame", seen, f"camera_frame: {frame} in {settings.hand_eye}")
