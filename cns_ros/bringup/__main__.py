"""``python -m cns_ros.bringup``: the suite where ``ros2 launch`` is not installed."""

from cns_ros.bringup.bringup import main

main()
