"""Complete run directories without maps or a model, written in milliseconds."""

from pathlib import Path

from uad_bench.config import RunSpec, load_protocol
from uad_bench.results.csv_tables import CASE_COLUMNS, METRIC_COLUMNS, SPLIT_COLUMNS, TRAIN_COLUMNS
from uad_bench.results.run_directory import RunDir


def run_directory(
    folder: Path,
    method="ae",
    seed=0,
    *,
    protocol="phantom",
    contents=("x", "y"),
    state="complete",
    log=(),
    **spec,
) -> RunDir:
    """A run with test cases c0, c1, ...

    contents: digest of the voxels of each test case; log: rows (phase, step, name, value) of train.csv.
    """
    run = RunDir(folder / protocol / method / f"seed{seed}-{len(list(folder.glob('*/*/*'))):04d}")
    run.path.mkdir(parents=True)
    fields = {"parameters": {}, "test": ("phantom",), "seed": seed} | spec
    run.write_spec(RunSpec(method=method, target="m:M", protocol=load_protocol(protocol), **fields))
    rows = [
        {"dataset": "phantom", "case_id": f"c{i}", "role": "test", "healthy": False, "content": content}
        for i, content in enumerate(contents)
    ]
    run.write_table("splits.csv", SPLIT_COLUMNS, rows)
    number = {"dataset": "phantom", "group": "all", "metric": "ap.case", "value": 0.5, "n": 2, "undefined": 0}
    run.write_table("metrics.csv", METRIC_COLUMNS, [number])
    run.write_table("cases.csv", CASE_COLUMNS, [])
    if log:
        names = ("phase", "step", "name", "value")
        run.write_table("train.csv", TRAIN_COLUMNS, [dict(zip(names, row, strict=True)) for row in log])
    run.write_json("env.json", {"method": {}})
    run.seal()
    run.set_state(state)
    return run
