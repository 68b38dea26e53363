"""Runs beyond one process: `run --on`, and `jobs`."""
