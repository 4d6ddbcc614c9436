"""The direct way to a goal whose pose is known: what replaces the policy once structure is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cns_core.geometry.twist import saturate
from cns_core.settings import check, setting
from cns_core.structure.estimate import Estimate

_DELAY_MARGIN = 0.4
"""Largest product of gain and dead time: at 1/e a loop is critically damped."""
_UNPREDICTED = 0.5
"""Share of the delay that still is dead time: what is thought ahead may be wrong by so much."""
_HOLD_S = 0.02
"""Half the time for which a twist is held, at 25 Hz: it acts like so much more delay."""
_SMOOTHING = 0.2
_AGREE, _DISAGREE = 0.3, -0.3
_TELLING = 0.05
"""Least speed of the policy (norm of [v/d, w]) that says something about where the goal is."""
_FINE = 3e-3
"""Deviation (in depths and rad) that suffices, whatever is left of the way: no policy by itself
ends nearer."""
_COARSE, _VAGUE = 1e-2, 2.0
"""Deviation, and that over the way left, above both of which a way that was taken is left."""
_EXPLAINED, _AGREEING = 0.8, 0.5
"""Shares that a sure frame needs: of the known points that the map explains, and of all matches
that the goal explains."""
_OVERRULING, _STILL_OVERRULING, _MOST_SURE = 20, 10, 30
"""Sure frames less others from which a policy that points elsewhere is overruled, down to which it
stays so, and the most that are counted."""


@dataclass(frozen=True)
class StructureLawSettings:
    """Speeds of :class:`StructureLaw`, and when it is trusted."""

    gain: float = setting(3.5, "largest gain", unit="1/s", range=(0.1, 20.0))
    max_linear: float = setting(0.25, "largest linear speed", unit="m/s", range=(1e-3, 5.0))
    max_angular: float = setting(1.0, "largest angular speed", unit="rad/s", range=(1e-2, 10.0))
    cautious_linear: float = setting(
        0.1, "largest linear speed while no scale is known", unit="m/s", range=(1e-3, 5.0)
    )
    ramp_frames: int = setting(5, "frames from the policy to this law", range=(1, 1000))
    trust: float = setting(
        0.25, "deviation over the way left that hands over to this law", range=(0.01, 1.0)
    )

    def __post_init__(self) -> None:
        check(self)


class StructureLaw:
    """Blends a policy's twist into a straight way to the goal.

    The way is taken once it is known to a quarter and points where the policy points too; it is
    left when it is lost, becomes vague, or the policy keeps pointing the other way. A policy that
    points elsewhere for long, while the way stays known, is overruled.

    Attributes:
        delay_s: from taking an image to moving as it tells; bounds the gain.
        limits: largest linear and angular speed, m/s and rad/s.
        share_of_gain: factor on the gain, at most 1.

    Args:
        settings: speeds, to begin with.
        delay_s: to begin with.
    """

    def __init__(self, settings: StructureLawSettings | None = None, delay_s: float = 0.0) -> None:
        self.settings = settings or StructureLawSettings()
        self.delay_s = delay_s
        self.limits = self.settings.max_linear, self.settings.max_angular
        self.share_of_gain = 1.0
        self.start()

    def start(self) -> None:
        """Begin an episode."""
        self.lose()

    def lose(self) -> None:
        """Nothing is seen, or what was known is not true: the way has to be found anew."""
        self._frames = 0
        self._trusted = False
        self._agreement: float | None = None
        self._sure_frames = 0

    def doubt(self) -> None:
        """What is known is of a map that was begun anew: it overrules nobody yet."""
        self._sure_frames = 0

    @property
    def share(self) -> float:
        """How much of the last twist was this law's, 0..1."""
        return self._frames / self.settings.ramp_frames

    @property
    def gain(self) -> float:
        """Gain in 1/s that the delay allows."""
        wanted = min(self.share_of_gain, 1.0) * self.settings.gain
        return min(wanted, _DELAY_MARGIN / (_UNPREDICTED * self.delay_s + _HOLD_S))

    def twist(
        self,
        policy: np.ndarray,
        estimate: Estimate | None,
        cautious: bool = False,
        fresh: bool = True,
    ) -> np.ndarray:
        """(6,) twist, m/s and rad/s, within the speed limits.

        Args:
            policy: (6,) twist of the policy, linear half in m/s by the best scale known.
            estimate: the way left, None where it is unknown.
            cautious: nothing is known of the scale, so the policy's linear speed means little.
            fresh: whether the estimate is of this frame; an older one proves nothing again.
        """
        s = self.settings
        linear, angular = self.limits
        policy = saturate(policy, min(s.cautious_linear, linear) if cautious else linear, angular)
        if estimate is None:
            self.lose()
            return policy
        self._judge(policy, estimate, fresh)
        frames = self._frames + (1 if self._trusted else -1)
        self._frames = min(max(frames, 0), s.ramp_frames)
        return policy + self.share * (self.direct(estimate) - policy)

    def direct(self, estimate: Estimate) -> np.ndarray:
        """(6,) twist of the straight way alone, within the speed limits."""
        return saturate(self.gain * estimate.motion, *self.limits)

    def _judge(self, policy: np.ndarray, estimate: Estimate, fresh: bool) -> None:
        self._compare(policy, estimate)
        deviation, size = estimate.deviation, estimate.size
        precise = deviation < max(self.settings.trust * size, _FINE)
        if fresh:
            self._count(
                precise and estimate.explained > _EXPLAINED and estimate.agreeing > _AGREEING
            )
        agreement = 1.0 if self._agreement is None else self._agreement
        if self._trusted:
            vague = deviation > max(_VAGUE * size, _COARSE)
            overruled = self._sure_frames >= _STILL_OVERRULING
            self._trusted = not vague and (agreement > _DISAGREE or overruled)
        else:
            overruled = self._sure_frames >= _OVERRULING
            self._trusted = precise and (agreement > _AGREE or overruled)

    def _count(self, sure: bool) -> None:
        self._sure_frames = min(max(self._sure_frames + (1 if sure else -1), 0), _MOST_SURE)

    def _compare(self, policy: np.ndarray, estimate: Estimate) -> None:
        """Running mean of the cosine between the policy's way and this one.

        A policy at rest has no say, and what it said on its way is forgotten: it may rest where
        the goal is not, and this way is then the only one.
        """
        weights = np.repeat([1.0 / estimate.scale, 1.0], 3)
        theirs, ours = weights * policy, weights * estimate.motion
        speed = np.linalg.norm(theirs)
        if speed < _TELLING:
            if self._agreement is not None:
                self._agreement += _SMOOTHING * (1.0 - self._agreement)
            return
        cosine = float(theirs @ ours) / float(speed * np.linalg.norm(ours) + 1e-12)
        if self._agreement is None:
            self._agreement = cosine
        self._agreement += _SMOOTHING * (cosine - self._agreement)
