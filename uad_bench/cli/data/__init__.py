"""Verbs on data: `data`, `audit`, `cache`."""
