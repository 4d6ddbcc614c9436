"""The topic that images come on, raw or compressed, and what to say when none come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from cns_ros.ros.bit_depth import BitDepth
from cns_ros.ros.compressed_image import decode_compressed
from cns_ros.ros.guard import GuardedNode, Refuse
from cns_ros.ros.image_codec import decode
from cns_ros.ros.overrides import overridable
from cns_ros.ros.qos import NEWEST

_TRANSPORTS = {"raw": Image, "compressed": CompressedImage}
_SUFFIX = "/compressed"


class ImageTopic:
    """Subscribes to ``image``, and decodes all of its images alike.

    As with image_transport, compressed images of a topic ``image`` are on ``image/compressed``,
    unless that is what ``image`` is remapped to.

    Args:
        node: whose topic it is.
        transport: ``raw`` or ``compressed``.
        take: called with each message.
        refuse: told why a message is refused; None to log it.
    """

    def __init__(
        self,
        node: GuardedNode,
        transport: str,
        take: Callable[[Image], None],
        refuse: Refuse | None = None,
    ) -> None:
        self._node = node
        self._kind = _TRANSPORTS[transport]
        self._depth = BitDepth()
        name = node.resolve_topic_name("image")
        if self._kind is CompressedImage and not name.endswith(_SUFFIX):
            name += _SUFFIX
        self._subscription = node.create_subscription(
            self._kind, name, take, **overridable(NEWEST), refuse=refuse
        )

    def decode(self, message: Image | CompressedImage) -> np.ndarray:
        """A uint8 image, (H, W) grey or (H, W, 3) BGR.

        Raises:
            ValueError: if the message holds none.
        """
        if self._kind is CompressedImage:
            return decode_compressed(message, self._depth)
        return decode(message, self._depth)

    def renew(self) -> None:
        """Forget how bright images have been: the next one tells the bits that are in use."""
        self._depth = BitDepth()

    @property
    def name(self) -> str:
        """The topic's full name."""
        return self._subscription.topic_name

    def absence(self) -> str:
        """Why there is no image, as far as the graph tells."""
        name = self.name
        publishers = self._node.get_publishers_info_by_topic(name)
        types = sorted({each.topic_type for each in publishers})
        wanted = _type_name(self._kind)
        if not types:
            return f"no image received yet: nobody publishes {name}"
        if wanted in types:
            return f"no image received yet on {name}"
        for transport, kind in _TRANSPORTS.items():
            if _type_name(kind) in types:
                return f"image is published as {_type_name(kind)}: set image_transport:={transport}"
        return f"image is published as {types[0]} on {name}: it must be {wanted}"


def _type_name(kind: type) -> str:
    return f"sensor_msgs/msg/{kind.__name__}"
