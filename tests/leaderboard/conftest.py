"""Run summaries without a run directory."""

import pytest

from uad_bench.leaderboard.run_summary import DatasetResults, MetricValue, RunSummary

PINNED = {"modalities": ["t2"], "postprocess": [{"step": "median", "size": 5}]}


@pytest.fixture
def make_run():
    """make_run(method, seed, ...) -> a run on the dataset `phantom`.

    values: metrics of the group "all" by name, or of any group by (group, metric).
    """

    def make(method="ae", seed=0, *, state="complete", results=None, **changes):
        values = changes.pop("values", {"ap.pooled": 0.2})
        names = {(k if isinstance(k, tuple) else ("all", k)): v for k, v in values.items()}
        numbers = {name: MetricValue(v, 36, 0) for name, v in names.items()} if state == "complete" else {}
        results = results or {"phantom": DatasetResults("ids", "fit", "{}", 36, 12, numbers)}
        settings = changes.pop("settings", {"steps": 100})
        fixed = {"protocol": "phantom", "fingerprint": "f1", "pinned": PINNED, "primary": "ap.pooled",
                 "train": "phantom"}  # fmt: skip
        name = f"phantom/{method}/seed{seed}-{changes.get('fingerprint', 'f1')}-{settings}"
        return RunSummary(
            name=name, state=state, method=method, settings=settings, seed=seed,
            results=results, **(fixed | changes),
        )  # fmt: skip

    return make
