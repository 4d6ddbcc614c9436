"""URScript's functions that move the arm or wait: generator functions, advanced once a tick.

Their names and parameters are URScript's.
"""

from collections.abc import Iterator, Sequence

from cns_core.twin.robot.motions import (
    TICK_S,
    AcceleratingMotion,
    JointMotion,
    ServoJ,
    SpeedJ,
    SpeedL,
    StopJ,
    StopL,
)
from cns_core.twin.robot.moves import MoveJ, MoveL
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_core.twin.robot.urscript.poses import Pose, PoseBuiltins, to_matrix


class MotionBuiltins:
    """Every public method is a function of scripts.

    Args:
        arm: what moves.
        poses: turns joint angles to poses and back.
    """

    def __init__(self, arm: SimulatedArm, poses: PoseBuiltins) -> None:
        self._arm = arm
        self._poses = poses

    def sync(self) -> Iterator[None]:
        yield

    def sleep(self, t: float) -> Iterator[None]:
        for _ in range(max(1, round(t / TICK_S))):
            yield

    def speedl(
        self, xd: Sequence[float], a: float = 0.5, t: float = 0.0, aRot: float | None = None
    ) -> Iterator[None]:
        yield from self._accelerate(SpeedL(xd, a, aRot), t)

    def speedj(self, qd: Sequence[float], a: float = 0.5, t: float = 0.0) -> Iterator[None]:
        yield from self._accelerate(SpeedJ(qd, a), t)

    def servoj(
        self,
        q: Sequence[float],
        a: float = 0.0,
        v: float = 0.0,
        t: float = TICK_S,
        lookahead_time: float = 0.1,
        gain: float = 300.0,
    ) -> Iterator[None]:
        self._arm.motion = ServoJ(q, lookahead_time)
        yield from self.sleep(t)

    def stopl(self, a: float = 20.0, aRot: float | None = None) -> Iterator[None]:
        yield from self._finish(StopL(a, aRot))

    def stopj(self, a: float = 2.0) -> Iterator[None]:
        yield from self._finish(StopJ(a))

    def movej(
        self, q: Sequence[float], a: float = 1.4, v: float = 1.05, t: float = 0.0, r: float = 0.0
    ) -> Iterator[None]:
        yield from self.stopj(a)
        joints = self._poses.get_inverse_kin(q) if isinstance(q, Pose) else q
        yield from self._finish(MoveJ(self._arm, joints, v, a))

    def movel(
        self, pose: Sequence[float], a: float = 1.2, v: float = 0.25, t: float = 0.0, r: float = 0.0
    ) -> Iterator[None]:
        yield from self.stopj(a)
        T = to_matrix(pose if isinstance(pose, Pose) else self._poses.get_forward_kin(pose))
        yield from self._finish(MoveL(self._arm, T, v, a))

    def _accelerate(self, motion: AcceleratingMotion, time_s: float) -> Iterator[None]:
        self._arm.motion = motion
        yield
        if time_s > 0.0:
            for _ in range(round(time_s / TICK_S) - 1):
                yield
        else:
            while self._arm.motion is motion and not motion.reached:
                yield

    def _finish(self, motion: JointMotion) -> Iterator[None]:
        self._arm.motion = motion
        while self._arm.motion is motion:
            yield
