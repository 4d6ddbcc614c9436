"""The policy on PyTorch, as it is trained."""
