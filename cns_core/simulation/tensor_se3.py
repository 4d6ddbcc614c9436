"""Batched rigid motions as tensors; the conventions of :mod:`cns_core.geometry.se3`."""

from __future__ import annotations

import torch
from torch import Tensor


def skew(v: Tensor) -> Tensor:
    """(..., 3, 3) with ``skew(v) @ u == cross(v, u)``, of (..., 3) vectors."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def _coefficients(angle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """sin(a)/a, (1-cos(a))/a^2 and (a-sin(a))/a^3, by their series where the angle is small."""
    small = angle < 1e-2
    a = torch.where(small, torch.ones_like(angle), angle)
    s = angle * angle
    return (
        torch.where(small, 1 - s / 6, a.sin() / a),
        torch.where(small, 0.5 - s / 24, (1 - a.cos()) / a**2),
        torch.where(small, 1 / 6 - s / 120, (a - a.sin()) / a**3),
    )


def rotation_exp(rotvec: Tensor) -> Tensor:
    """(..., 3, 3) rotations of (..., 3) rotation vectors (Rodrigues)."""
    a, b, _ = _coefficients(rotvec.norm(dim=-1)[..., None, None])
    S = skew(rotvec)
    return torch.eye(3).to(S) + a * S + b * (S @ S)


def rotation_log(R: Tensor) -> Tensor:
    """(..., 3) rotation vectors of (..., 3, 3) rotations, angle in [0, pi].

    Through the quaternion whose largest component is computed first (Shepperd 1978), so that it
    holds near a half turn too.
    """
    m = R.flatten(-2)
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = m.unbind(-1)
    candidates = torch.stack(
        [
            torch.stack([1 + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01], dim=-1),
            torch.stack([m21 - m12, 1 + m00 - m11 - m22, m10 + m01, m02 + m20], dim=-1),
            torch.stack([m02 - m20, m10 + m01, 1 - m00 + m11 - m22, m12 + m21], dim=-1),
            torch.stack([m10 - m01, m02 + m20, m12 + m21, 1 - m00 - m11 + m22], dim=-1),
        ],
        dim=-2,
    )
    best = candidates.diagonal(dim1=-2, dim2=-1).argmax(dim=-1)
    q = candidates.take_along_dim(best[..., None, None], dim=-2).squeeze(-2)
    q = q / q.norm(dim=-1, keepdim=True)
    q = torch.where(q[..., :1] < 0, -q, q)
    half_sine = q[..., 1:].norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(half_sine, q[..., :1])
    factor = torch.where(half_sine < 1e-6, 2.0 / q[..., :1], angle / half_sine.clamp_min(1e-6))
    return factor * q[..., 1:]


def move(R: Tensor, t: Tensor, twist: Tensor, dt: float) -> tuple[Tensor, Tensor]:
    """Camera poses (B, 3, 3), (B, 3) after ``T <- T exp(twist dt)`` with (B, 6) twists."""
    rotvec = twist[:, 3:] * dt
    _, b, c = _coefficients(rotvec.norm(dim=-1)[..., None, None])
    S = skew(rotvec)
    V = torch.eye(3).to(S) + b * S + c * (S @ S)
    step = (R @ V @ twist[:, :3, None]).squeeze(-1) * dt
    return _orthonormal(R @ rotation_exp(rotvec)), t + step


def _orthonormal(R: Tensor) -> Tensor:
    """Undo the rounding of repeated products: one step towards the nearest rotation."""
    return 1.5 * R - 0.5 * R @ R.mT @ R


def relative(R_a: Tensor, t_a: Tensor, R_b: Tensor, t_b: Tensor) -> tuple[Tensor, Tensor]:
    """Pose of frame b in frame a: rotations (B, 3, 3) and translations (B, 3)."""
    return R_a.mT @ R_b, (R_a.mT @ (t_b - t_a)[..., None]).squeeze(-1)


def minimal_rotation(a: Tensor, b: Tensor) -> Tensor:
    """(B, 3, 3) smallest rotations taking unit vectors ``a`` (B, 3) to ``b``, not opposite ones."""
    cross = torch.linalg.cross(a, b)
    sine = cross.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, (a * b).sum(dim=-1, keepdim=True))
    return rotation_exp(cross / sine.clamp_min(1e-9) * angle)


def axis_rotation(axis: int, angle: Tensor) -> Tensor:
    """(B, 3, 3) rotations about the coordinate axis 0, 1 or 2 by (B,) angles in rad."""
    rotvec = angle.new_zeros(*angle.shape, 3)
    rotvec[..., axis] = angle
    return rotation_exp(rotvec)
