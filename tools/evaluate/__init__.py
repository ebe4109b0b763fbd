"""Score a running miner as the network does: `python -m tools.evaluate`."""
