"""Match descriptors of two images by the ratio test, one to one."""

import cv2
import numpy as np

RATIO = 0.75
"""A match must be this much closer than the second best (Lowe, IJCV 2004, section 7.1)."""


def match(desired, current, norm, ratio=RATIO):
    """Match the features of two images.

    Args:
        desired, current: :class:`~cns_core.observers.features.Features`.
        norm: ``cv2.NORM_L2`` or ``cv2.NORM_HAMMING``, whatever the descriptors demand.
        ratio: largest accepted ratio of the best to the second-best distance.

    Returns:
        ``(i, j)``: feature ``i[k]`` of ``desired`` is feature ``j[k]`` of ``current``; no index
        occurs twice.
    """
    nothing = np.zeros(0, int), np.zeros(0, int)
    if len(desired) == 0 or len(current) < 2:
        return nothing
    number = cv2.CV_32F if norm == cv2.NORM_L2 else cv2.CV_32S
    distance, neighbour = cv2.batchDistance(
        desired.descriptors, current.descriptors, number, normType=norm, K=2
    )
    i = np.flatnonzero(distance[:, 0] < ratio * distance[:, 1])
    j = neighbour[i, 0]
    closest_first = np.argsort(distance[i, 0], kind="stable")
    _, first = np.unique(j[closest_first], return_index=True)
    kept = np.sort(closest_first[first])
    return i[kept], j[kept]
