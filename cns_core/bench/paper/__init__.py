"""The paper's comparisons in one command, what they train included."""
