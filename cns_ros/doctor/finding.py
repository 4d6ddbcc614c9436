"""What one look has shown, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes:
        check: what was looked at.
        verdict: how bad it is.
        seen: what was there.
        remedy: what to do, empty where nothing is to be done.
    """

    check: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def ok(check: str, seen: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, seen)


def warn(check: str, seen: str, remedy: str) -> Finding:
    """It works, and would work better."""
    return Finding(check, Verdict.WARN, seen, remedy)


def fail(check: str, seen: str, remedy: str = "") -> Finding:
    """It does not work; the remedy is empty where ``seen`` names it."""
    return Finding(check, Verdict.FAIL, seen, remedy)


def skipped(check: str, seen: str, remedy: str = "") -> Finding:
    """Not looked at."""
    return Finding(check, Verdict.SKIPPED, seen, remedy)
