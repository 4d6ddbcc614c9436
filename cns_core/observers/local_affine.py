"""Local affine motion of keypoints, from the motion of their neighbours."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.geometry.homogeneous import homogeneous

_PRIOR_PX2 = 30.0
"""Weight of the prior against the scatter of the neighbours, so that few do not decide."""

_ROUNDS = 3
_CONSENSUS_PX = 4.0
_LEAST_CONSENSUS = 4
_PRECISE_PX = 0.25
"""Residuals below this are no reason to discount a neighbour."""


def fit(
    anchors: np.ndarray, before: np.ndarray, after: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit an affine map around every keypoint to its neighbours, outliers discounted.

    Args:
        anchors: (N, 2) keypoints, pixels of the desired image.
        before, after: (N, K, 2) neighbours in the desired and in the current image.
        prior: (2, 2) affine part where neighbours say little.

    Returns:
        ``(affine, pixels)``: (N, 2, 2) maps and (N, 2) where they take the anchors.
    """
    # Keypoints last: operations on long rows, not on thousands of small matrices.
    points = np.vstack([before.T, after.T]).copy()
    weight = np.ones(points.shape[1:])
    for _ in range(_ROUNDS):
        mean = (points * weight).sum(axis=1) / weight.sum(axis=0)
        offset = points - mean[:, None]
        ds, dt = offset[:2], offset[2:]
        by_x, by_y = ((weight * d * offset).sum(axis=1) for d in ds)
        xx, xy, yy = by_x[0] + _PRIOR_PX2, by_x[1], by_y[1] + _PRIOR_PX2
        x, y = by_x[2:] + _PRIOR_PX2 * prior[:, :1], by_y[2:] + _PRIOR_PX2 * prior[:, 1:]
        affine = np.stack([yy * x - xy * y, xx * y - xy * x], axis=1) / (xx * yy - xy * xy)
        weight = _robust(*(dt - affine[:, :1] * ds[0] - affine[:, 1:] * ds[1]))
    affine = affine.transpose(2, 0, 1)
    pixels = mean[2:].T + np.einsum("nij,nj->ni", affine, anchors - mean[:2].T)
    return affine, pixels


def fit_global(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Fit one affine map to (M, 2) point pairs, outliers discounted; returns it as (2, 3)."""
    design = homogeneous(before)
    weight = np.ones(len(before))
    for _ in range(_ROUNDS + 1):
        weighted = design.T * weight
        solution = np.linalg.lstsq(weighted @ design, weighted @ after, rcond=None)[0]
        weight = _robust(*(after - design @ solution).T)
    return solution.T


def fit_consensus(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """The affine map (2, 3) that most of (M, 2) point pairs agree on; None where four do not.

    Unlike :func:`fit_global` it bears that half of the points follow something else, such as an
    occluder, but takes the rest for one plane.
    """
    if len(before) < _LEAST_CONSENSUS:
        return None
    affine, agreed = cv2.estimateAffine2D(
        before, after, method=cv2.USAC_MAGSAC, ransacReprojThreshold=_CONSENSUS_PX
    )
    return None if affine is None or agreed.sum() < _LEAST_CONSENSUS else affine


def _robust(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of Cauchy's estimator for residuals (x, y), scaled by the first axis' median."""
    squared = x * x + y * y
    half = len(squared) // 2
    median = np.partition(squared, half, axis=0)[half]
    scale = np.maximum(_PRECISE_PX**2, 4.0 * median)
    return 1.0 / (1.0 + squared / scale)
