"""The ``matches`` topic: a sensor_msgs/PointCloud2 to and from a correspondence."""

from __future__ import annotations

from array import array

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from cns_core.geometry.correspondence import Correspondence

# rviz draws x, y, z: the current keypoints on the camera's image plane at 1 m.
_LAYOUT = {
    "x": (0, PointField.FLOAT32),
    "y": (4, PointField.FLOAT32),
    "z": (8, PointField.FLOAT32),
    "x_desired": (12, PointField.FLOAT32),
    "y_desired": (16, PointField.FLOAT32),
    "matched": (20, PointField.UINT8),
    "deviation": (24, PointField.FLOAT32),
}
_LATER = "deviation"
"""Field that recordings made before it was added lack; it is the last one."""
_TYPES = {PointField.FLOAT32: "<f4", PointField.UINT8: "u1"}
_MATCH = np.dtype(
    {
        "names": list(_LAYOUT),
        "formats": [_TYPES[kind] for _, kind in _LAYOUT.values()],
        "offsets": [offset for offset, _ in _LAYOUT.values()],
        "itemsize": 28,
    }
)


def matches_from_correspondence(correspondence: Correspondence, header: Header) -> PointCloud2:
    """Pack a correspondence into the ``matches`` cloud: one point per desired keypoint.

    Positions and their standard deviations are in the normalized plane; unmatched keypoints have
    NaN for x, y and deviation, and so has a deviation that is not known.
    """
    points = np.zeros(len(correspondence.desired), dtype=_MATCH)
    seen = np.where(correspondence.matched[:, None], correspondence.current, np.nan)
    points["x"], points["y"] = seen.T
    points["z"] = 1.0
    points["x_desired"], points["y_desired"] = correspondence.desired.T
    points["matched"] = correspondence.matched
    points["deviation"] = correspondence.deviation
    data = array("B")
    data.frombytes(points.tobytes())
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=_fields(),
        is_bigendian=False,
        point_step=_MATCH.itemsize,
        row_step=_MATCH.itemsize * len(points),
        data=data,
        is_dense=bool(correspondence.matched.all()),
    )


def correspondence_from_matches(message: PointCloud2) -> Correspondence:
    """Unpack a ``matches`` cloud, with or without deviations.

    Raises:
        ValueError: if the layout is not the observer's, or matched positions are not finite.
    """
    layout = [(f.name, f.offset, f.datatype, f.count) for f in message.fields]
    expected = [(f.name, f.offset, f.datatype, f.count) for f in _fields()]
    told = layout == expected
    size = _MATCH.itemsize if told else _LAYOUT[_LATER][0]
    known = told or layout == expected[:-1]
    if not known or message.point_step != size or message.is_bigendian:
        raise ValueError(f"matches must have the fields {expected}, got {layout}")
    if len(message.data) != message.width * message.height * size:
        raise ValueError(
            f"matches of {message.width}x{message.height} points need "
            f"{message.width * message.height * size} bytes, got {len(message.data)}"
        )
    points = np.zeros(message.width * message.height, dtype=_MATCH)
    raw = np.frombuffer(message.data, dtype=np.uint8).reshape(-1, size)
    points.view(np.uint8).reshape(-1, _MATCH.itemsize)[:, :size] = raw
    return Correspondence(
        np.column_stack([points["x_desired"], points["y_desired"]]),
        np.column_stack([points["x"], points["y"]]),
        points["matched"] > 0,
        points["deviation"].astype(float) if told else np.array(np.nan),
    )


def _fields() -> list[PointField]:
    return [
        PointField(name=name, offset=offset, datatype=kind, count=1)
        for name, (offset, kind) in _LAYOUT.items()
    ]
