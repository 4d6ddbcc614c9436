"""The last millimetre: the policy's twist corrected by the interaction matrix near the goal."""

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.interaction_matrix import mean_interaction_matrix

TERMINAL_CORRECTIONS = ("none", "ibvs")
"""What may correct the policy near the goal."""


class BumplessTransfer:
    """How far the correction is let in: 0 far from the goal, 1 near it.

    Entered below one speed and left only above a larger one, and ramped in between, so that noise
    neither toggles it nor makes the command jump. The measure is the policy's own speed, which it
    was trained to make proportional to the error of the pose. The keypoints' error is no measure:
    it is small too where a wrong rotation and a wrong translation cancel in the image.

    Args:
        enter, leave: speeds (norm of [v/d, w], 1/s and rad/s) that start and undo the transfer.
        ramp_frames: frames from 0 to 1.
        smoothing: weight of the newest frame in the running mean of the speed.
    """

    def __init__(
        self,
        enter: float = 0.02,
        leave: float = 0.06,
        ramp_frames: int = 12,
        smoothing: float = 0.2,
    ) -> None:
        self.enter, self.leave, self.ramp_frames = enter, leave, ramp_frames
        self.smoothing = smoothing
        self._speed: float | None = None
        self._near = False
        self._frames = 0

    @property
    def share(self) -> float:
        """How far the correction is let in, 0..1."""
        return self._frames / self.ramp_frames

    def update(self, speed: float) -> float:
        """Advance one frame with the policy's speed and return the share in 0..1."""
        mean = speed if self._speed is None else self._speed
        self._speed = mean + self.smoothing * (speed - mean)
        if self._speed < self.enter:
            self._near = True
        elif self._speed > self.leave:
            self._near = False
        frames = self._frames + (1 if self._near else -1)
        self._frames = min(max(frames, 0), self.ramp_frames)
        return self.share


def correction(
    twist: NDArray[np.float64],
    current: NDArray[np.float64],
    desired: NDArray[np.float64],
    trust: float = 0.02,
    weight: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """What to add to the policy's twist so that the keypoints move to their goals.

    Minimizes ``|L (v + dv) + e|^2 / N + trust^2 |dv|^2``, L the mean interaction matrix of IBVS and
    e the keypoints' errors: the interaction matrix decides the motions that it sees well, the
    policy those it hardly sees (a sideways step against a turn, when few or flat keypoints are in
    view), where IBVS with one depth for all would drift.

    Args:
        twist: (6,) of the policy, [v/d, w].
        current, desired: (N, 2) matched keypoints, normalized plane.
        trust: motions that move the keypoints less than this, per unit, are the policy's.
        weight: (N,) of the keypoints, see :attr:`.Correspondence.weight`; None for all the same.

    Returns:
        (6,) dv.
    """
    L = mean_interaction_matrix(current, desired)
    residual = L @ twist + (current - desired).ravel()
    weighted = L.T if weight is None else L.T * np.repeat(weight / weight.mean(), 2)
    normal = weighted @ L / len(current) + trust**2 * np.eye(6)
    return -np.linalg.solve(normal, weighted @ residual / len(current))


def consistent(correspondence: Correspondence) -> NDArray[np.bool_]:
    """(N,) bool, the matches that a camera near its goal can have.

    There all keypoints are displaced alike, and wrong ones by far more.
    """
    gap = np.linalg.norm(correspondence.current - correspondence.desired, axis=1)
    return correspondence.matched & (gap <= 3.0 * np.median(gap[correspondence.matched]))
