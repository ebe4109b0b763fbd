"""Score a running miner on questions with known answers: `python -m tools.evaluate`."""
