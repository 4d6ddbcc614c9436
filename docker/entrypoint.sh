#!/bin/bash
# Runs a command in the workspace.
set -e
source /opt/ros/jazzy/setup.bash
source /workspace/install/setup.bash
exec "$@"
