"""Observers find the keypoints of the desired image in the current one."""

from cns_core.observers.factory import BACKENDS, make_observer
from cns_core.observers.observer import Observer

__all__ = ["BACKENDS", "Observer", "make_observer"]
