"""Serve a model with vLLM on this machine's GPU, for a miner to use."""

import sys

from tools.vllm_launcher import main

if __name__ == "__main__":
    sys.exit(main())
