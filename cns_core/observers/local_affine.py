"""Local affine motion of keypoints, from the motion of their neighbours."""

import numpy as np

_PRIOR_PX2 = 30.0
"""Weight of the prior against the neighbours' spread, so that a few close ones do not decide."""

_ROUNDS = 3
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
    for _ in range(_ROUNDS):
        share = (weight / weight.sum(axis=1, keepdims=True))[:, None]
        mean_s, mean_t = (share @ source)[:, 0], (share @ target)[:, 0]
        ds, dt = source - mean_s[:, None], target - mean_t[:, None]
        weighted = (weight[..., None] * ds).transpose(0, 2, 1)
        spread = weighted @ ds + _PRIOR_PX2 * np.eye(2)
        across = weighted @ dt + _PRIOR_PX2 * prior.T
        transposed = np.linalg.solve(spread, across)
        residual = np.linalg.norm(dt - ds @ transposed, axis=2)
        weight = _robust(residual)
    affine = transposed.transpose(0, 2, 1)
    pixels = mean_t + np.einsum("nij,nj->ni", affine, anchors - mean_s)
    return affine, pixels


def fit_global(source, target):
    """Fit one affine map to (M, 2) point pairs, outliers discounted; returns it as (2, 3)."""
    design = np.column_stack([source, np.ones(len(source))])
    weight = np.ones(len(source))
    for _ in range(_ROUNDS + 2):
        weighted = design.T * weight
        solution = np.linalg.lstsq(weighted @ design, weighted @ target, rcond=None)[0]
        weight = _robust(np.linalg.norm(target - design @ solution, axis=1))
    return solution.T


def _robust(residual):
    """Weights of Cauchy's estimator, scaled by the median along the last axis."""
    scale = np.maximum(_PRECISE_PX, 2.0 * np.median(residual, axis=-1, keepdims=True))
    return 1.0 / (1.0 + (residual / scale) ** 2)
