"""Faster forms of the published network for scoring."""
