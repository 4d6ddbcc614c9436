"""Local affine motion of keypoints, from the motion of their neighbours."""

import numpy as np

_PRIOR_PX2 = 30.0
"""Weight of the prior against the neighbours' spread, so that a few close ones do not decide."""

_PRECISE_PX = 0.25
"""Residuals below this are no reason to discount a neighbour."""


def fit(anchors, source, target, prior):
    """Fit an affine map around every keypoint to its neighbours, outliers discounted.

    Args:
        anchors: (N, 2) keypoints, pixels of the desired image.
        source, target: (N, K, 2) neighbours in the desired and in the current image.
        prior: (2, 2) affine part where neighbours say little.

    Returns:
        ``(affine, pixels)``: (N, 2, 2) maps and (N, 2) where they take the anchors.
    """
    weight = np.ones(source.shape[:2])
    for _ in range(3):
        total = weight.sum(axis=1)
        mean_s = np.einsum("nk,nki->ni", weight, source) / total[:, None]
        mean_t = np.einsum("nk,nki->ni", weight, target) / total[:, None]
        ds, dt = source - mean_s[:, None], target - mean_t[:, None]
        weighted = weight[..., None] * ds
        spread = np.einsum("nki,nkj->nij", weighted, ds) + _PRIOR_PX2 * np.eye(2)
        cross = np.einsum("nki,nkj->nij", dt, weighted) + _PRIOR_PX2 * prior
        affine = cross @ np.linalg.inv(spread)
        residual = np.linalg.norm(dt - np.einsum("nij,nkj->nki", affine, ds), axis=2)
        scale = np.maximum(_PRECISE_PX, 2.0 * np.median(residual, axis=1, keepdims=True))
        weight = 1.0 / (1.0 + (residual / scale) ** 2)
    pixels = mean_t + np.einsum("nij,nj->ni", affine, anchors - mean_s)
    return affine, pixels


def fit_global(source, target):
    """Fit one affine map to (M, 2) point pairs, outliers discounted; returns it as (2, 3)."""
    design = np.column_stack([source, np.ones(len(source))])
    weight = np.ones(len(source))
    for _ in range(5):
        root = np.sqrt(weight)[:, None]
        solution = np.linalg.lstsq(design * root, target * root, rcond=None)[0]
        residual = np.linalg.norm(target - design @ solution, axis=1)
        weight = 1.0 / (1.0 + (residual / max(1.0, 2.0 * np.median(residual))) ** 2)
    return solution.T
