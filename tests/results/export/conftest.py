"""One run on flipped scans, shared by all tests of exports."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import typer

from tests.helpers.toy_data import make
from uad_bench.cli import export as export_verb
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.pipeline.matrix import Matrix
from uad_bench.results.csv_tables import SPLIT_COLUMNS, THRESHOLD_COLUMNS
from uad_bench.results.run_directory import run_dir

HERE = Path(__file__).parents[2] / "helpers"
DATA = str(HERE / "toy_data.py")
FLIP = np.array([[-6, 0, 0, 138], [0, -6, 0, 162], [0, 0, 6, 0], [0, 0, 0, 1.0]])


def flipped(root):
    """Every second case with its voxels stored from the right and the front: axes LPS."""
    for path in sorted(root.glob("*[02468]_*.nii.gz")):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[::-1, ::-1], FLIP), path)
    return root


@pytest.fixture(scope="package")
def data(tmp_path_factory):
    return flipped(make(tmp_path_factory.mktemp("toy")))


@pytest.fixture(scope="package")
def sources(data, tmp_path_factory):
    return Sources(tmp_path_factory.mktemp("cache"), {"toy_data": data})


@pytest.fixture(scope="package")
def run(sources, tmp_path_factory):
    """A run whose maps are the prepared images themselves, as `uad-bench run thresh:raw` leaves it."""
    settings = [(["protocol", "train"], DATA), (["protocol", "test"], [DATA]),
                (["protocol", "splits", "tune"], {DATA: 0.4})]  # fmt: skip
    (spec,) = Matrix(["thresh:raw"], (0,), str(HERE / "toy.yaml"), (), settings=settings).specs()
    cohort = gather(spec, sources)
    run = run_dir(tmp_path_factory.mktemp("runs"), spec, cohort.digest)
    run.write_spec(spec)
    run.write_table("splits.csv", SPLIT_COLUMNS, cohort.rows())
    for member in cohort.scored:
        scan = member.prepared.scan()
        run.write_map(member.case.dataset, member.case.case_id, scan.image[0], scan.brain_mask)
    rules = [("healthy_q98", 0.9, ""), ("oracle_case", None, ""), ("tune", None, "no_tune")]
    rows = [
        {"dataset": "toy_data", "rule": r, "value": v, "n_cases": 1, "oracle": False, "reason": why}
        for r, v, why in rules
    ]
    run.write_table("thresholds.csv", THRESHOLD_COLUMNS, rows)
    run.seal()
    run.set_state("complete")
    return run


@pytest.fixture
def verb(sources, monkeypatch):
    """verb(words ...): `export` as a person types it; its error is raised."""
    monkeypatch.setenv("UAD_BENCH_CACHE", str(sources.cache))
    monkeypatch.setattr(sys, "argv", ["export"])
    app = typer.Typer()
    app.command()(export_verb.export)
    data = ["--data", f"{DATA}={sources.roots['toy_data']}", "--workers", "1"]
    return lambda *words: app([*map(str, words), *data], standalone_mode=False)
