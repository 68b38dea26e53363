"""Tests of `uad_bench.figures.tables`."""
