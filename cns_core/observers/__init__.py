"""Observers find the keypoints of the desired image in the current one."""

from cns_core.observers.akaze import Akaze
from cns_core.observers.matching_observer import MatchingObserver
from cns_core.observers.orb import Orb
from cns_core.observers.sift import Sift

BACKENDS = {"sift": Sift, "akaze": Akaze, "orb": Orb}


def make_observer(
    name, camera, *, verify=True, tracking=False, max_keypoints=512, min_keypoints=12, mask=None
):
    """Build an observer.

    Args:
        name: ``'sift'``, ``'akaze'`` or ``'orb'``.
        camera: the :class:`PinholeCamera` that takes all images.
        verify: whether matches must agree on one rigid motion of the camera.
        max_keypoints: most keypoints taken from the desired image, spread evenly; the cost of the
            graph and the network grows with it.
        min_keypoints: fewest keypoints with which a desired image is accepted.
        mask: (H, W), nonzero where the scene may appear (zero on a gripper, say), or None.

    Raises:
        ValueError: naming the argument that is out of range.
    """
    if name not in BACKENDS:
        raise ValueError(f"observer must be one of {sorted(BACKENDS)}, got {name!r}")
    if not 4 <= min_keypoints <= max_keypoints:
        raise ValueError(
            "need 4 <= min_keypoints <= max_keypoints, "
            f"got min_keypoints={min_keypoints}, max_keypoints={max_keypoints}"
        )
    return MatchingObserver(
        BACKENDS[name](),
        camera,
        verify=verify,
        max_keypoints=max_keypoints,
        min_keypoints=min_keypoints,
        mask=mask,
    )
