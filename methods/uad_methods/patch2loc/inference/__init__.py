"""Faster implementations of the published network for scoring."""
