"""The parametrization of tests over a table of faults."""

import pytest


def fault_matrix(cases, phases, always):
    """Every fault in every phase; those named ``always`` in motion, the others when slow."""
    return [
        pytest.param(case, phase, marks=_marks(case, phase, always), id=f"{case.name}, {phase}")
        for case in cases
        for phase in phases
    ]


def _marks(case, phase, always):
    return () if case.name in always and phase == "motion" else (pytest.mark.slow,)
