"""Runs with per-case values and bootstrap draws."""

import pytest

from tests.helpers.measured import measured


@pytest.fixture
def make_runs(make_run):
    """make_runs({method: mean}) -> runs of three seeds of each method on the same patients."""

    def make(means, seeds=3, **changes):
        return [
            make_run(method, s, results={"phantom": measured(100 * i + s, mean)}, **changes)
            for i, (method, mean) in enumerate(means.items()) for s in range(seeds)
        ]  # fmt: skip

    return make
