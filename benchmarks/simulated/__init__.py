"""Simulated models, as a backend on loopback that the benchmarks put behind a real miner."""
