"""The command ``cns`` where it is not installed: ``python -m cns_ros.cli``."""

import sys

from cns_ros.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
