"""IBVS and PBVS on projected points: finite differences, convergence, scale, bad input."""

import numpy as np
import pytest

from cns_core.control.factory import make_controller
from cns_core.control.ibvs import IbvsController
from cns_core.control.pbvs import PbvsController, pbvs_twist
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.interaction_matrix import interaction_matrix

POINTS = np.random.default_rng(0).uniform([-0.2, -0.2, -0.05], [0.2, 0.2, 0.05], (40, 3))
GOAL = se3.look_at([0.05, -0.1, 0.6], [0.0, 0.0, 0.0])
START = GOAL @ se3.exp([0.08, -0.05, -0.1, 0.15, -0.2, 0.6])


def view(T_wc):
    points_c = POINTS @ se3.inverse(T_wc)[:3, :3].T + se3.inverse(T_wc)[:3, 3]
    return points_c[:, :2] / points_c[:, 2:]


def matches(T_wc, matched=None):
    matched = np.ones(len(POINTS), bool) if matched is None else matched
    return Correspondence(view(GOAL), view(T_wc), matched)


def close_loop(controller, depth_prior, steps=600):
    T = START
    controller.start(view(GOAL))
    for _ in range(steps):
        twist = controller.velocity(matches(T)) * np.repeat([depth_prior, 1.0], 3)
        T = T @ se3.exp(0.04 * twist)
    return T


def test_interaction_matrix_is_the_derivative_of_the_image():
    depth_one = POINTS + [0.0, 0.0, 1.0]
    depth_one[:, 2] = 1.0
    image = depth_one[:, :2]
    for axis in range(6):
        step = 1e-6 * np.eye(6)[axis]
        T = se3.inverse(se3.exp(step))
        moved = depth_one @ T[:3, :3].T + T[:3, 3]
        derivative = (moved[:, :2] / moved[:, 2:] - image).ravel() / 1e-6
        np.testing.assert_allclose(interaction_matrix(image)[:, axis], derivative, atol=1e-5)


@pytest.mark.parametrize("depth_prior", [0.3, 0.6, 0.9])
def test_ibvs_converges_with_a_rough_depth_prior(depth_prior):
    T = close_loop(IbvsController(), depth_prior)
    assert se3.rotation_error_deg(T, GOAL) < 1e-2
    assert se3.translation_error_m(T, GOAL) < 1e-4


def test_ibvs_is_at_rest_at_the_goal():
    np.testing.assert_allclose(IbvsController().velocity(matches(GOAL)), 0.0, atol=1e-12)


def test_ibvs_refuses_too_few_matches():
    three = np.arange(len(POINTS)) < 3
    with pytest.raises(ValueError, match="4 matched keypoints, got 3"):
        IbvsController().velocity(matches(START, three))


def test_pbvs_goes_straight():
    def relative():
        return se3.inverse(GOAL) @ T

    T = START
    controller = PbvsController(relative, distance_m=0.6)
    way = [T[:3, 3]]
    for _ in range(200):
        T = T @ se3.exp(0.04 * controller.velocity(None) * np.repeat([0.6, 1.0], 3))
        way.append(T[:3, 3])
    assert se3.rotation_error_deg(T, GOAL) < 0.05
    straight = np.linalg.norm(way[-1] - way[0])
    travelled = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
    assert travelled < 1.002 * straight


def test_pbvs_at_180_deg_is_finite():
    twist = pbvs_twist(se3.exp([0.1, 0.0, 0.0, 0.0, 0.0, np.pi]))
    assert np.isfinite(twist).all()
    assert abs(twist[5]) == pytest.approx(np.pi)


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan"), float("inf")])
def test_pbvs_refuses_a_distance_that_is_none(distance):
    with pytest.raises(ValueError, match="distance_m"):
        PbvsController(lambda: np.eye(4), distance)


def test_controllers_are_made_by_name_or_passed_on():
    own = IbvsController()
    assert make_controller(own) is own
    assert isinstance(make_controller("ibvs"), IbvsController)
    with pytest.raises(ValueError, match="controller must be one of"):
        make_controller("ivbs")
