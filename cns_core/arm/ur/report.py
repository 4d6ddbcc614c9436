"""A status on its way from the worker to the driver, as plain types for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from cns_core.arm.link import LinkStatus
from cns_core.arm.state_machine import State
from cns_core.arm.ur.feedback import Feedback

_LONGEST_AGE_S = 1e6  # JSON knows no infinity
_ARRAYS = ("q", "qd", "sent")


def pack(status: LinkStatus, feedback: Feedback | None) -> dict[str, Any]:
    """A report of the status, with the joints as read last; those unknown are left out."""
    report = vars(status) | {
        "state": status.state.value,
        "command_age_s": min(status.command_age_s, _LONGEST_AGE_S),
    }
    if feedback is not None:
        report |= {
            "q": feedback.q,
            "qd": feedback.qd,
            "measured_at": feedback.measured_at,
            "feedback_lag_s": feedback.lag_s,
        }
    arrays = {name: report.pop(name) for name in _ARRAYS}
    return report | {name: each.tolist() for name, each in arrays.items() if each is not None}


def unpack(report: dict[str, Any]) -> LinkStatus:
    """The inverse of :func:`pack`."""
    arrays = {name: np.array(report[name]) for name in _ARRAYS if name in report}
    return LinkStatus(**(report | arrays | {"state": State(report["state"])}))
