"""Trials with damaged inputs and killed processes, shared by scripts/fuzz, scripts/kill and the tests."""
