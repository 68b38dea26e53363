"""Checks and benchmarks of all methods on a GPU; `scripts/gpu` runs them."""
