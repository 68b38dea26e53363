"""Runs as plain numbers, without a run directory."""

import pytest

from uad_bench.leaderboard.run_summary import Number, RunSummary, Tested

PINNED = {"modalities": ["t2"], "postprocess": [{"step": "median", "size": 5}]}


@pytest.fixture
def make_run():
    """A maker of runs on the dataset `phantom`; `values` are metrics of the group "all", or by full name."""

    def make(method="ae", seed=0, *, state="complete", tested=None, **more):
        values = more.pop("values", {"ap.pooled": 0.2})
        names = {(k if isinstance(k, tuple) else ("all", k)): v for k, v in values.items()}
        numbers = {name: Number(value, 36, 0) for name, value in names.items()} if state == "complete" else {}
        tested = tested or {"phantom": Tested("ids", "fit", "{}", 36, 12, numbers)}
        settings = more.pop("settings", {"steps": 100})
        plain = {"protocol": "phantom", "fingerprint": "f1", "pinned": PINNED, "primary": "ap.pooled",
                 "train": "phantom"}  # fmt: skip
        name = f"phantom/{method}/seed{seed}-{more.get('fingerprint', 'f1')}-{settings}"
        return RunSummary(
            name=name, state=state, method=method, settings=settings, seed=seed,
            tested=tested, **(plain | more),
        )  # fmt: skip

    return make
