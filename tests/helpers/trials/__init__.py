"""Trials of the verbs with damaged inputs and killed processes: what scripts/fuzz and scripts/kill share with the tests."""
