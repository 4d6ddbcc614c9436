"""Observers find the keypoints of the desired image in the current one."""

from cns_core.observers.factory import BACKENDS, OBSERVERS, make_observer, preload
from cns_core.observers.observer import Observer

__all__ = ["BACKENDS", "OBSERVERS", "Observer", "make_observer", "preload"]
