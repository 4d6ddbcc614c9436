"""The command ``cns``: one door to everything that the suite does."""
