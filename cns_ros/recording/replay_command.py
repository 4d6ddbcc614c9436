"""Starts ``cns replay`` with as many threads as the nodes have."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Entry point of ``cns replay``."""
    # NumPy and PyTorch read it when they are loaded. Sums in another order have other last bits.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    from cns_ros.recording.replay_program import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
