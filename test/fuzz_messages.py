"""Messages as no driver should send them: every field now right, now wrong."""

from array import array

import cv2
import numpy as np
from geometry_msgs.msg import TwistStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import Header

from cns_core import Correspondence
from cns_ros.ros.image_codec import encode
from cns_ros.ros.joints import UR_JOINTS
from cns_ros.ros.matches import matches_from_correspondence

ENCODINGS = ["mono8", "8UC1", "bgr8", "8UC3", "rgb8", "bgra8", "rgba8", "mono16", "16UC1"]
ENCODINGS += ["16UC3", "bgr16", "rgb16", "yuv422", "uyvy", "yuyv", "yuv422_yuy2", "bayer_rggb8"]
ENCODINGS += ["bayer_bggr8", "bayer_gbrg8", "bayer_grbg8", "bayer_rggb16", "bayer_grbg16"]
ENCODINGS += ["", "32FC1", "8UC4", "nv21"]
BYTES = {"bgr8": 3, "8UC3": 3, "rgb8": 3, "bgra8": 4, "rgba8": 4, "mono16": 2, "16UC1": 2}
BYTES |= {"bgr16": 6, "rgb16": 6, "16UC3": 6, "yuv422": 2, "uyvy": 2, "yuyv": 2, "yuv422_yuy2": 2}
BYTES |= {"bayer_rggb16": 2, "bayer_grbg16": 2}
SIZES = [(0, 0), (1, 1), (2, 2), (3, 3), (5, 4), (63, 48), (64, 47), (160, 120), (160, 120)]
WIDTH, HEIGHT = 160, 120
NUMBERS = (0.0, -1.0, 1.0, 1e-300, 1e12, 1e38, 1e308, float("nan"), float("inf"), -float("inf"))
MODELS = ("", "none", "plumb_bob", "rational_polynomial", "equidistant", "omni")


class Fuzz:
    """Makes messages; ``fresh()`` gives the stamp of each."""

    def __init__(self, seed, fresh):
        self.rng = np.random.default_rng(seed)
        self.fresh = fresh
        blocks = self.rng.integers(0, 200, (20, 27), dtype=np.uint8)
        self.scene = cv2.resize(blocks, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)

    def one_of(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share):
        return self.rng.random() < share

    def number(self, usual):
        return self.one_of(NUMBERS) if self.chance(0.1) else float(usual)

    def header(self):
        frame = "camera_optical_frame" if self.chance(0.9) else self.one_of(["", "base", "ä"])
        return Header(stamp=self.fresh(), frame_id=frame)

    def image(self):
        if self.chance(0.5):
            noise = self.rng.integers(0, 3, self.scene.shape, dtype=np.uint8)
            return encode(cv2.add(self.scene, noise), self.header())
        encoding, (width, height) = self.one_of(ENCODINGS), self.one_of(SIZES)
        step = width * BYTES.get(encoding, 1)
        step = self.one_of([step, step, step + 5, max(step - 1, 0), 0, 2**31])
        length = max(min(step * height, 10**6) + self.one_of([0, 0, -1, 7, -step]), 0)
        if self.chance(0.05):
            width, height = self.one_of([2**31, 2**32 - 1]), self.one_of([1, 2**32 - 1])
        message = Image(header=self.header(), width=width, height=height, encoding=encoding)
        message.step, message.is_bigendian = step, int(self.rng.integers(2))
        message.data = array("B", self.rng.bytes(length))
        return message

    def depth(self):
        """An image that may bear the encoding of depths."""
        message = self.image()
        if self.chance(0.7):
            message.encoding = self.one_of(("16UC1", "32FC1"))
        return message

    def compressed(self):
        suffix = self.one_of([".jpg", ".png"])
        data = bytearray(cv2.imencode(suffix, self.scene)[1].tobytes())
        for _ in range(int(self.rng.integers(0, 4))):
            data[int(self.rng.integers(len(data)))] = int(self.rng.integers(256))
        if self.chance(0.2):
            data = data[: int(self.rng.integers(len(data)))]
        written_as = self.one_of(["jpeg", "png", "rgb8; jpeg compressed bgr8", "h264", "", ";;"])
        written_as = self.one_of([written_as, "bayer_rggb8; png compressed ", "mono16; png"])
        return CompressedImage(header=self.header(), format=written_as, data=array("B", data))

    def camera_info(self):
        good = CameraInfo(header=self.header(), width=WIDTH, height=HEIGHT)
        good.k = [140.0, 0.0, 80.0, 0.0, 140.0, 60.0, 0.0, 0.0, 1.0]
        if self.chance(0.6):
            return good
        size = self.one_of(
            [(WIDTH, HEIGHT)] * 4 + [(128, 96), (0, 0), (1, 1), (2**32 - 1, 2**32 - 1)]
        )
        focal = self.number(self.one_of([140.0, 140.1, 160.0]))
        k = [focal, 0.0, 80.0, 0.0, self.number(140.0), self.number(60.0), 0.0, 0.0, 1.0]
        count = self.one_of([0, 0, 4, 5, 8, 12, 14, 1, 6, 15])
        info = CameraInfo(header=self.header(), width=size[0], height=size[1], k=k)
        info.distortion_model = self.one_of(MODELS)
        info.d = [self.number(self.rng.normal(0.0, 0.3)) for _ in range(count)]
        info.p = [self.number(each) for each in (140, 0, 80, 0, 0, 140, 60, 0, 0, 0, 1, 0)]
        if self.chance(0.2):
            info.binning_x, info.binning_y = (int(n) for n in self.rng.integers(0, 5, 2))
        if self.chance(0.2):
            info.roi.x_offset = self.one_of([0, 8, 2**32 - 1])
            info.roi.width, info.roi.height = self.one_of([(96, 64), (8, 0), (2**32 - 1, 8)])
        return info

    def matches(self):
        count = self.one_of([0, 1, 3, 4, 12, 40, 40, 40, 300])
        desired = self.rng.uniform(-0.5, 0.5, (count, 2))
        current = desired + self.rng.normal(0.0, self.one_of([0.0, 1e-3, 0.1]), desired.shape)
        if self.chance(0.2):
            current[:] = current[:1] if count else 0.0
        if self.chance(0.2):
            desired[:, 0] = 0.1
        matched = self.rng.random(count) < self.one_of([0.0, 0.1, 1.0])
        message = matches_from_correspondence(
            Correspondence(desired, current, matched), self.header()
        )
        if self.chance(0.3) and count:
            points = np.frombuffer(message.data, np.float32).copy()
            with np.errstate(over="ignore"):
                wrong = np.array([self.number(0.0) for _ in points], np.float32)
            points = np.where(self.rng.random(len(points)) < 0.01, wrong, points)
            message.data = array("B", points.tobytes())
        if self.chance(0.1):
            message.data = message.data[: int(self.rng.integers(len(message.data) + 1))]
        if self.chance(0.1):
            message.width, message.height = self.one_of([(0, 1), (2**32 - 1, 2**32 - 1), (1, 0)])
        if self.chance(0.1) and message.fields:
            message.fields[0].name = "intensity"
        return message

    def twist(self):
        message = TwistStamped(header=self.header())
        for vector in (message.twist.linear, message.twist.angular):
            vector.x, vector.y, vector.z = (self.number(v) for v in self.rng.normal(0, 0.1, 3))
        return message

    def joint_states(self):
        names = list(UR_JOINTS)
        if self.chance(0.3):
            self.rng.shuffle(names)
        if self.chance(0.2):
            names = names[: int(self.rng.integers(7))] + self.one_of([[], ["finger"], names])
        message = JointState(header=self.header(), name=names)
        count = max(len(names) + self.one_of([0, 0, 0, -1, 1]), 0)
        message.position = [self.number(v) for v in self.rng.uniform(-3.0, 3.0, count)]
        message.velocity = [self.number(0.0) for _ in range(self.one_of([0, count]))]
        return message
