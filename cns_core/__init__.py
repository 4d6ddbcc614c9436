"""Correspondence-encoded neural image servoing (CNS), without ROS."""
