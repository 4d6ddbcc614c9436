"""``cns record`` and ``cns replay``: an episode taken home, and repeated there."""
