"""What the controller node tells of its session in status and diagnostics."""

from __future__ import annotations

import numpy as np

from cns_core.control.regulator import Regulator, Step
from cns_core.control.session import ServoSession
from cns_core.geometry import se3

Values = dict[str, str | int | float]


def session_values(session: ServoSession) -> Values:
    """Figures of the last frame, as far as there are any."""
    values: Values = {"cause": session.report.cause}
    if (step := session.step) is not None:
        values["error"] = float(step.error)
        values["matched"] = step.correspondence.count
        values["left_out"] = int(step.left_out.sum())
        values |= _distances(session.regulator, step)
    if (guide := session.regulator.guide) is not None:
        values["delay_s"] = guide.law.delay_s
        values["pose_offset_s"] = guide.errors.offset_s
        mounting = se3.log(guide.errors.mounting)
        values["mounting_error_mm"] = float(1e3 * np.linalg.norm(mounting[:3]))
        values["mounting_error_deg"] = float(np.degrees(np.linalg.norm(mounting[3:])))
    if (matches := session.matches) is not None:
        values["odometry"] = "twists" if matches.camera_pose is None else "tcp_pose"
    values["terminal_share"] = float(session.regulator.controller.terminal_share)
    return values


def _distances(regulator: Regulator, step: Step) -> Values:
    """The scene's distance and the way left, and by what they are known."""
    values: Values = {
        "depth_prior_m": regulator.prior.metres,
        "depth_prior_source": regulator.prior.source,
    }
    if (guide := regulator.guide) is not None and (known := guide.estimate) is not None:
        values["scale_m"] = known.scale
        values["scale_deviation_m"] = known.scale_deviation
    if (left := step.remaining) is not None:
        values["remaining_mm"] = left.translation_mm
        values["remaining_mm_bound"] = left.translation_bound_mm
        values["remaining_deg"] = left.rotation_deg
        values["remaining_deg_bound"] = left.rotation_bound_deg
    return values
