"""The command line as ``python -m mrcnn``."""

import sys

from mrcnn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
