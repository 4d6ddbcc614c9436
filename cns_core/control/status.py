"""The states of a servoing episode."""

from enum import Enum


class Status(str, Enum):
    """State of a servoing episode."""

    IDLE = "idle"
    SERVOING = "servoing"
    CONVERGED = "converged"
    DIVERGED = "diverged"
    LOST = "lost"

    def __str__(self) -> str:
        return self.value

    @property
    def is_active(self) -> bool:
        """Whether an episode is under way, be its target in sight or not."""
        return self in (Status.SERVOING, Status.LOST)
