"""The plug-ins in examples/minimal work as they stand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from uad_bench import DatasetAdapter, Metric, Scored, cli, plugins
from uad_bench.errors import DataError
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.evaluate.metric import View
from uad_bench.testing import check_dataset, check_method, check_metric

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "minimal"
METHOD, DATASET, METRIC = (str(EXAMPLES / f"{name}.py") for name in ("method", "dataset", "metric"))
TOY = str(Path(__file__).parent / "helpers" / "toy.yaml")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The folder that make_data.py writes."""
    folder = tmp_path_factory.mktemp("examples") / "data"
    subprocess.run([sys.executable, str(EXAMPLES / "make_data.py"), str(folder)], check=True)
    return folder


def loaded(kind, path):
    """An object of the one plug-in class in a file."""
    return plugins.load(plugins.resolve(kind, path))()


def test_the_method_passes_the_conformance_checks():
    assert {result.status for result in check_method(METHOD)} == {"kept", "not checked"}


def test_the_dataset_passes_the_conformance_checks(data):
    assert {result.status for result in check_dataset(DATASET, data)} == {"kept"}


def test_the_dataset_reports_a_case_without_its_lesion_mask(tmp_path):
    dataset: DatasetAdapter = loaded("dataset", DATASET)
    for name in (
        "healthy/a_t2.nii.gz",
        "lesions/b_t2.nii.gz",
        "lesions/c_t2.nii.gz",
        "lesions/c_mask.nii.gz",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    healthy, broken, lesion = dataset.discover(tmp_path)
    assert (healthy.healthy, healthy.lesion_mask) == (True, None)
    assert isinstance(broken, DataError)
    assert broken.where == "b"
    assert (lesion.healthy, lesion.lesion_mask) == (False, tmp_path / "lesions" / "c_mask.nii.gz")


def test_the_metric_passes_the_conformance_checks():
    assert {result.status for result in check_metric(METRIC)} == {"kept", "not checked"}


@pytest.mark.parametrize(("predicted", "expected"), [(4, 1.0), (12, 0.5), (1, 0.4), (0, 0.0)])
def test_the_metric_compares_two_volumes(predicted, expected):
    assert similarity(predicted, lesion=4).value == pytest.approx(expected)


def test_the_metric_is_undefined_without_a_lesion():
    assert similarity(3, lesion=0).value is None


def similarity(predicted, lesion):
    """The metric where the map reaches the threshold in the first `predicted` of 16 voxels."""
    metric: Metric = loaded("metric", METRIC)
    order = np.arange(16).reshape(4, 4, 1)
    scores, mask = (order < predicted).astype(np.float32), order < lesion
    brain = np.ones_like(mask)
    scored = Scored("a", scores, brain, mask, (1.0, 1.0, 1.0), healthy=not lesion)
    return metric.case(View(Curve.of(scores[brain], mask[brain]), scored, 0.5))


def test_method_dataset_and_metric_work_in_one_run(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UAD_BENCH_CACHE", str(tmp_path / "cache"))
    run("run", METHOD, "--protocol", TOY, "--test", DATASET, "--data", f"{DATASET}={data}", "--out",
        str(tmp_path / "runs"), "--set", f"protocol.train={DATASET}", "--set",
        f"protocol.metrics=[ap,prevalence,{METRIC}]")  # fmt: skip
    assert "method" in capsys.readouterr().out
    run("leaderboard", str(tmp_path / "runs"), "--format", "csv")
    rows = capsys.readouterr().out.splitlines()
    assert any("volume_similarity@healthy_q98" in row for row in rows)


def run(*words):
    """The program, in this process; fails where it does."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["uad-bench", *words])
        cli.main()
    assert not ended.value.code
