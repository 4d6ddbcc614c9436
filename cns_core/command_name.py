"""What a program is called in its own help."""

from __future__ import annotations

import sys


def command_name(alone: str) -> str:
    """``cns bench`` where the program was started so, else what it is called ``alone``."""
    return sys.argv[0] if sys.argv[0].startswith("cns ") else alone
