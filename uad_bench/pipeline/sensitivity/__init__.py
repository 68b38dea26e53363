"""The sensitivity of results to the preparation."""
