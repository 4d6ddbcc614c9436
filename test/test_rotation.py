"""Rotation vectors against SciPy's, and motions of twists over the whole range of angles."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.geometry.rotation import rotation_matrices, rotation_vector

AXIS = np.array([2.0, -1.0, 2.0]) / 3.0


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1e-3, 1.0, 2.6, 3.0, np.pi - 1e-9])
def test_rotation_vectors_and_matrices_agree_with_scipy(angle):
    R = Rotation.from_rotvec(angle * AXIS).as_matrix()
    np.testing.assert_allclose(rotation_vector(R), angle * AXIS, atol=1e-8, rtol=1e-9)
    np.testing.assert_allclose(rotation_matrices(angle * AXIS[None])[0], R, atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.99e-3, 1.01e-3, 1.0, 3.0])
def test_motions_of_twists_are_matrix_exponentials(angle):
    twist = np.array([0.1, -0.2, 0.3, *(angle * AXIS)])
    algebra = np.zeros((4, 4))
    algebra[:3, :3], algebra[:3, 3] = se3.skew(twist[3:]), twist[:3]
    np.testing.assert_allclose(se3.exp(twist), expm(algebra), atol=1e-12)
    np.testing.assert_allclose(se3.log(se3.exp(twist)), twist, atol=1e-9)
