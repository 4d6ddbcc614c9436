"""When an episode counts as a success; free of PyTorch, for what renders and does without."""

PAPER_GATE = (3.0, 30.0)
"""Success in the paper: final rotation error in degrees and translation error in mm below these."""
