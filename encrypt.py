"""Sign a miner's address and token with a wallet's coldkey, for registration."""

import sys

from tools.credentials import main

if __name__ == "__main__":
    sys.exit(main())
