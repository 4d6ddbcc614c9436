"""What the camera's own measured motion tells: the scene's structure and the goal in metres."""
