"""Where the conversions of messages were: for nodes that still import them from here."""

from cns_ros.ros.matches import correspondence_from_matches, matches_from_correspondence
from cns_ros.ros.poses_twists import twist_message

__all__ = ["correspondence_from_matches", "matches_from_correspondence", "twist_message"]
