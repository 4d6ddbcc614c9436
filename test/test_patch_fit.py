"""The least squares of patches against plain ones."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from cns_core.observers.alignment import PatchAligner, determinant, inverted
from cns_core.observers.patch_fit import fit_patches, shift_deviation_px, with_map_kept
from cns_core.observers.template import Template

PIXELS = 225


def layers_of(rng, count, weight):
    """(count, 6, 225) of zero weighted mean, the last near a sum of the others."""
    layers = rng.normal(0.0, 20.0, (count, 6, PIXELS))
    factors = rng.normal(size=(count - 1, 6, 1)) + 2.0
    layers[-1] = (factors * layers[:-1]).sum(axis=0) + rng.normal(0.0, 2.0, (6, PIXELS))
    layers -= (layers * weight).mean(axis=2, keepdims=True)
    return layers.astype(np.float32)


def windows():
    side = np.arange(-7, 8)
    bell = np.exp(-0.5 * np.add.outer(side**2, side**2).ravel() / 16.0)
    return (np.ones(PIXELS), bell / bell.mean())


@pytest.mark.parametrize("count", [4, 8])
@pytest.mark.parametrize("weight", windows(), ids=["even", "bell"])
def test_patches_are_fitted_as_by_plain_weighted_least_squares(count, weight):
    layers = layers_of(np.random.default_rng(0), count, weight)
    fit = fit_patches(layers, layers * weight.astype(np.float32))
    kept = with_map_kept(fit, PIXELS)
    root = np.sqrt(weight)
    for n in range(6):
        design, told = (root * layers[:-1, n]).T, root * layers[-1, n]
        unknowns, squared, *_ = np.linalg.lstsq(design, told)
        np.testing.assert_allclose(fit.unknowns[:, n], unknowns, atol=1e-4)
        np.testing.assert_allclose(fit.residual[n], np.sqrt(squared[0] / PIXELS), rtol=1e-3)
        inverse = np.linalg.inv(design.T @ design)
        np.testing.assert_allclose(fit.shift[:, :, n], inverse[:2], rtol=1e-4, atol=1e-9)
        squared = np.linalg.lstsq(design[:, :3], told)[1]
        np.testing.assert_allclose(kept.residual[n], np.sqrt(squared[0] / PIXELS), rtol=1e-4)


def test_what_is_known_of_a_fit_is_used_where_only_the_desired_patch_has_changed():
    rng = np.random.default_rng(0)
    layers = layers_of(rng, 4, np.ones(PIXELS))
    before = fit_patches(layers, layers)
    products = before.products.copy()
    layers[2] += rng.normal(0.0, 5.0, layers[2].shape).astype(np.float32)
    again, anew = fit_patches(layers, layers, before), fit_patches(layers, layers)
    np.testing.assert_allclose(again.unknowns, anew.unknowns, rtol=1e-5)
    np.testing.assert_array_equal(before.products, products)


def test_deviations_are_those_of_the_sandwich():
    layers = layers_of(np.random.default_rng(0), 4, np.ones(PIXELS))
    fit = fit_patches(layers, layers)
    cell = (3 * (np.arange(15) // 5)[:, None] + np.arange(15) // 5).ravel()
    for n, found in enumerate(shift_deviation_px(fit, layers, layers)):
        design = layers[:-1, n].T.astype(float)
        inverse = np.linalg.inv(design.T @ design)
        left = layers[-1, n] - design @ (inverse @ (design.T @ layers[-1, n]))
        pulls = np.array([design[cell == k].T @ left[cell == k] for k in range(9)])
        covariance = inverse @ (pulls.T @ pulls) @ inverse * 9 / 5
        own = np.sqrt(np.trace(covariance[:2, :2]) / 2) * np.hypot(1.0, 0.16 * fit.residual[n])
        expected = np.hypot(0.003, 0.72 * own / abs(fit.unknowns[2, n]))
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_small_matrices_are_inverted_as_by_numpy():
    matrices = np.random.default_rng(0).normal(size=(9, 2, 2))
    np.testing.assert_allclose(inverted(matrices), np.linalg.inv(matrices))
    np.testing.assert_allclose(determinant(matrices), np.linalg.det(matrices))


def test_gradients_are_those_of_fourth_order():
    image = load_sample_image("china.jpg")[..., 1].copy()
    aligner = PatchAligner(Template(image), 6)
    wide = image[100:117, 200:217].astype(np.float32)
    layers = np.empty((4, 1, 13 * 13), np.float32)
    aligner.differentiate(wide.reshape(1, -1), layers)
    rows, columns = wide[2:-2], wide[:, 2:-2]
    across = (8 * (rows[:, 3:-1] - rows[:, 1:-3]) - rows[:, 4:] + rows[:, :-4]) / 12
    down = (8 * (columns[3:-1] - columns[1:-3]) - columns[4:] + columns[:-4]) / 12
    for layer, expected in zip(layers[:3, 0], (across, down, wide[2:-2, 2:-2]), strict=True):
        np.testing.assert_allclose(layer.reshape(13, 13), expected, atol=1e-3)
