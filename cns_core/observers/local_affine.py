"""Local affine motion of keypoints, from the motion of their neighbours."""

from __future__ import annotations

import cv2
import numpy as np

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
    # Coordinates first: operations on long rows, not on thousands of small matrices.
    points = np.concatenate([before.transpose(2, 0, 1), after.transpose(2, 0, 1)])
    weight = np.ones(points.shape[1:])
    for _ in range(_ROUNDS):
        mean = np.einsum("ink,nk->in", points, weight) / weight.sum(axis=1)
        offset = points - mean[:, :, None]
        ds, dt = offset[:2], offset[2:]
        weighted = weight * ds
        xx, xy, yy = (_dot(weighted[i], ds[j]) for i, j in ((0, 0), (0, 1), (1, 1)))
        xx, yy = xx + _PRIOR_PX2, yy + _PRIOR_PX2
        x, y = (np.array([_dot(w, d) for d in dt]) for w in weighted)
        x, y = x + _PRIOR_PX2 * prior[:, :1], y + _PRIOR_PX2 * prior[:, 1:]
        affine = np.stack([yy * x - xy * y, xx * y - xy * x], axis=1) / (xx * yy - xy * xy)
        carried = affine[:, 0, :, None] * ds[0] + affine[:, 1, :, None] * ds[1]
        weight = _robust(*(dt - carried))
    affine = affine.transpose(2, 0, 1)
    pixels = mean[2:].T + np.einsum("nij,nj->ni", affine, anchors - mean[:2].T)
    return affine, pixels


def fit_global(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Fit one affine map to (M, 2) point pairs, outliers discounted; returns it as (2, 3)."""
    design = np.column_stack([before, np.ones(len(before))])
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


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nk,nk->n", a, b)


def _robust(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of Cauchy's estimator for residuals (x, y), scaled by the median of the last axis."""
    squared = x * x + y * y
    half = squared.shape[-1] // 2
    median = np.partition(squared, half, axis=-1)[..., half, None]
    scale = np.maximum(_PRECISE_PX**2, 4.0 * median)
    return 1.0 / (1.0 + squared / scale)
