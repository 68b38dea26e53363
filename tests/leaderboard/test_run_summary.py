"""The data types of a run."""

import pytest

from uad_bench.leaderboard.run_summary import NO_COST


@pytest.mark.parametrize("state", ["failed", "running", "complete"])
def test_only_the_state_complete_has_results(make_run, state):
    run = make_run(state=state)
    assert run.complete == (state == "complete") == bool(run.results["phantom"].values)


def test_an_unrecorded_cost_is_unknown_not_zero():
    assert NO_COST == (None, None, None, None, None, "")
