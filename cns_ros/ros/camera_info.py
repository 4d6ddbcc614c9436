"""sensor_msgs/CameraInfo to and from the camera model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from cns_core.geometry.camera import PinholeCamera

_UNDISTORTED = "none"
_POLYNOMIAL = ("", "plumb_bob", "rational_polynomial")
_FISHEYE = ("equidistant", "fisheye")
_EQUIDISTANT_COUNT = 4
_LARGEST = 2**14
_WIDEST, _LONGEST = 20.0, 1000.0
"""Of a lens, the longer side of the image in focal lengths, and the focal length in such sides."""


@dataclass(frozen=True)
class _Crop:
    """The part of the full, unbinned image that is sent, and how it is made smaller."""

    x: int
    y: int
    width: int
    height: int
    binning_x: int
    binning_y: int


def camera_from_info(info: CameraInfo, rectified: bool = False) -> PinholeCamera:
    """Build the camera that took the images which a CameraInfo message comes with.

    The message's size, K and P are those of the full image without binning; its images are binned
    and cropped. A super-pixel's centre is the mean of those of its pixels. All-zero coefficients
    are no distortion, whatever the model.

    Args:
        rectified: the images are rectified (``image_rect``): P holds for them, and no distortion.

    Raises:
        ValueError: for an uncalibrated camera (K or P all zero), a region outside the image, or
            an unsupported distortion model.
    """
    crop = _crop(info)
    if rectified:
        fx, _, cx, _, _, fy, cy = map(float, info.p[:7])
    else:
        fx, _, cx, _, fy, cy = map(float, info.k[:6])
    if fx == 0.0:
        matrix, remedy = ("P", "; set rectified:=false for raw images") if rectified else ("K", "")
        raise ValueError(
            f"camera_info is not calibrated: {matrix} is zero; calibrate the camera{remedy}"
        )
    _check_plausible(info, fx, fy, cx, cy)
    distortion, fisheye = ((), False) if rectified else _distortion(info)
    return PinholeCamera(
        crop.width,
        crop.height,
        fx / crop.binning_x,
        fy / crop.binning_y,
        (cx - crop.x + 0.5) / crop.binning_x - 0.5,
        (cy - crop.y + 0.5) / crop.binning_y - 0.5,
        distortion,
        fisheye,
    )


def size_in_words(info: CameraInfo) -> str:
    """What a CameraInfo message says of the images' size."""
    words = f"{info.width}x{info.height}"
    if info.binning_x > 1 or info.binning_y > 1:
        words += f", binning {max(info.binning_x, 1)}x{max(info.binning_y, 1)}"
    roi = info.roi
    if roi.width or roi.height:
        words += f", roi {roi.width}x{roi.height} at ({roi.x_offset}, {roi.y_offset})"
    return words


def info_from_camera(camera: PinholeCamera, header: Header) -> CameraInfo:
    """Build the CameraInfo message (REP 104) of a camera."""
    distortion = list(camera.distortion)
    K = camera.matrix
    model = "rational_polynomial" if len(distortion) >= 8 else "plumb_bob"
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model="equidistant" if camera.fisheye else model,
        d=distortion or [0.0] * 5,
        k=K.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.column_stack([K, np.zeros(3)]).ravel().tolist(),
    )


def _crop(info: CameraInfo) -> _Crop:
    binning_x, binning_y = max(info.binning_x, 1), max(info.binning_y, 1)
    roi = info.roi
    x, y, width, height = 0, 0, info.width, info.height
    if roi.width or roi.height:  # all zero stands for the full image
        x, y, width, height = roi.x_offset, roi.y_offset, roi.width, roi.height
    crop = _Crop(x, y, width // binning_x, height // binning_y, binning_x, binning_y)
    if max(info.width, info.height) > _LARGEST:
        raise ValueError(
            f"camera_info is of {size_in_words(info)} pixels, at most {_LARGEST} each way are "
            "taken: are width and height set?"
        )
    inside = x + width <= info.width and y + height <= info.height
    if not inside or (info.width and info.height and not (crop.width and crop.height)):
        raise ValueError(
            f"camera_info contradicts itself: {size_in_words(info)}; width, height, K and roi must "
            "be those of the full image without binning"
        )
    return crop


def _check_plausible(info: CameraInfo, fx: float, fy: float, cx: float, cy: float) -> None:
    """Refuse numbers that no camera has; those that are not finite or positive the model refuses.

    With a focal length in metres, say, keypoints would lie anywhere, and twists with them.
    """
    size = max(info.width, info.height)
    for name, value in (("fx", fx), ("fy", fy)):
        if size and (0.0 < value < size / _WIDEST or size * _LONGEST < value < np.inf):
            raise ValueError(
                f"camera_info has {name} = {value:g} for {size_in_words(info)} pixels, which no "
                "camera has: it must be in pixels of the full image; calibrate the camera"
            )
    for name, value, side in (("cx", cx, info.width), ("cy", cy, info.height)):
        if side and np.isfinite(value) and not -side <= value <= 2 * side:
            raise ValueError(
                f"camera_info has {name} = {value:g} for {size_in_words(info)} pixels, far outside "
                "of the image: it must be in pixels of the full image; calibrate the camera"
            )


def _distortion(info: CameraInfo) -> tuple[tuple[float, ...], bool]:
    """Coefficients, and whether they are a fisheye lens's."""
    model, coefficients = info.distortion_model, tuple(info.d)
    if not any(coefficients):
        return (), False
    if model in _POLYNOMIAL:
        return coefficients, False
    if model in _FISHEYE and not any(coefficients[_EQUIDISTANT_COUNT:]):
        return coefficients[:_EQUIDISTANT_COUNT], True
    if model in _FISHEYE:
        raise ValueError(f"distortion model {model!r} has 4 coefficients, got {coefficients}")
    known = (*_POLYNOMIAL, *_FISHEYE[:1], _UNDISTORTED)
    raise ValueError(
        f"distortion model must be one of {known} (none with zeros alone), got {model!r} with "
        f"{coefficients}; rectify the images and set rectified:=true"
    )
