"""A page to try a miner in, in the browser."""

import sys

from tools.playground.launcher import main

if __name__ == "__main__":
    sys.exit(main())
