"""Which views agree with one another: an arm that was bumped, or a board, spoils some of them.

A fit to all views spreads one bad view's error over the others. Least trimmed squares (Rousseeuw
and Van Driessen, 2006) does not: the half of the views that agrees best is found, from closed-form
solutions of small subsets, and the others are judged by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.calibration.hand_eye_solution import Solution, closed_form, solve, view_errors
from cns_core.calibration.view_turns import LEAST_TURN_DEG, turn_spans_deg
from cns_core.calibration.views import Sighting
from cns_core.geometry import se3

FAIR_PX = 0.5
"""No view below it is called inconsistent, however well the others agree."""
INCONSISTENT_FACTOR = 3.0
"""Times the median over all views: beyond it, a view is inconsistent."""
_SUBSET = 4
_SUBSETS = 80
_MOST_ROUNDS = 10
# A board of another size explains the views if it leaves this part of their error.
_EXPLAINED = 0.3

Array = NDArray[np.float64]
Views = Sequence[Sighting]


def consistent(views: Views, focal: float) -> list[Sighting]:
    """The views that agree; all of them where a board of another size makes all agree.

    Args:
        focal: focal length in pixels.

    Raises:
        ValueError: if no set of views has a solution.
    """
    if _agree(views, focal):
        return list(views)
    half = _concentrated(views, _best_half(views), focal)
    kept = half
    for _ in range(_MOST_ROUNDS):
        errors = focal * _errors(views, solve(kept, focal))
        limit = max(FAIR_PX, INCONSISTENT_FACTOR * float(np.median(errors)))
        again = [view for view, error in zip(views, errors, strict=True) if error <= limit]
        if again == kept:
            break
        kept = again
    return kept


def _agree(views: Views, focal: float) -> bool:
    """Whether all views agree, perhaps on a board of another size."""
    try:
        solution = solve(views, focal)
        worst = focal * _errors(views, solution).max()
        if worst <= FAIR_PX:
            return True
        solution = solve(views, focal, with_scale=True, start=solution)
        resized = focal * _errors(views, solution).max()
    except ValueError:
        return False
    return bool(resized <= max(FAIR_PX, _EXPLAINED * worst))


def _errors(views: Views, solution: Solution) -> Array:
    return view_errors(views, solution.T_flange_camera, solution.T_base_board, solution.scale)


def _best_half(views: Views) -> list[Sighting]:
    """The half that agrees best with the solution of some small subset."""
    best, best_errors = np.inf, None
    count = len(views) // 2 + 1
    for subset in _subsets(views):
        try:
            X = closed_form(subset)
        except ValueError:
            continue
        errors = view_errors(views, X, _mean_board(subset, X))
        score = np.sort(errors)[:count].sum()
        if score < best:
            best, best_errors = score, errors
    if best_errors is None:
        raise ValueError("hand-eye calibration has no solution for any of these views")
    return _smallest(views, best_errors, count)


def _concentrated(views: Views, half: list[Sighting], focal: float) -> list[Sighting]:
    """Refit to the half that agrees best until it stays the same."""
    for _ in range(_MOST_ROUNDS):
        if turn_spans_deg([view.T_base_flange for view in half])[0][1] < LEAST_TURN_DEG:
            break
        again = _smallest(views, _errors(views, solve(half, focal)), len(half))
        if again == half:
            break
        half = again
    return half


def _smallest(views: Views, errors: Array, count: int) -> list[Sighting]:
    """The views with the smallest errors, in their own order."""
    return [views[i] for i in sorted(np.argsort(errors, kind="stable")[:count])]


def _subsets(views: Views) -> list[list[Sighting]]:
    """Small subsets that turn about two axes, from a fixed draw."""
    rng, chosen = np.random.default_rng(0), []
    for _ in range(_SUBSETS):
        picked = rng.choice(len(views), min(_SUBSET, len(views)), replace=False)
        subset = [views[i] for i in sorted(picked)]
        if turn_spans_deg([view.T_base_flange for view in subset])[0][1] >= LEAST_TURN_DEG:
            chosen.append(subset)
    return chosen


def _mean_board(views: Views, T_flange_camera: Array) -> Array:
    """(4, 4) mean of where the views put the board in the base frame."""
    poses = np.array([board_in_base(view, T_flange_camera) for view in views])
    return se3.pose(Rotation.from_matrix(poses[:, :3, :3]).mean(), poses[:, :3, 3].mean(axis=0))


def board_in_base(view: Sighting, T_flange_camera: Array) -> Array:
    """(4, 4) pose of the board in the base frame that one view tells."""
    return view.T_base_flange @ T_flange_camera @ view.T_camera_board
