"""From run directories to summaries: what is read and what is refused."""

import json

import numpy as np
import pytest

from uad_bench.config import RunSpec, digest, load_protocol
from uad_bench.errors import IntegrityError
from uad_bench.leaderboard.collect import collect, summarise
from uad_bench.results.csv_tables import CASE_COLUMNS, METRIC_COLUMNS, SPLIT_COLUMNS, VALUE_RANGE
from uad_bench.results.run_directory import RunDir

MEMBERS = [
    ("phantom", "h0", "train", True), ("phantom", "h1", "val", True), ("phantom", "h2", "test", True),
    ("phantom", "l0", "tune", False), ("phantom", "l1", "test", False), ("other", "o1", "test", False),
]  # fmt: skip


@pytest.fixture
def spec():
    protocol = load_protocol("phantom")
    return RunSpec(
        method="ae", target="m:AE", parameters={"steps": 5}, protocol=protocol, test=("phantom",), seed=3
    )


@pytest.fixture
def run(tmp_path, spec):
    made = RunDir(tmp_path / "phantom" / "ae" / "seed3-0000")
    made.path.mkdir(parents=True)
    made.write_spec(spec)
    rows = [dict(zip(("dataset", "case_id", "role", "healthy"), m, strict=True)) for m in MEMBERS]
    made.write_table("splits.csv", SPLIT_COLUMNS, rows)
    number = {
        "dataset": "phantom",
        "group": "all",
        "metric": "ap.pooled",
        "value": 0.1 + 0.2,
        "n": 1,
        "undefined": 0,
    }
    undefined = number | {"metric": "dice@tune", "value": None, "n": 0, "undefined": 1, "reason": "no_tune"}
    made.write_table("metrics.csv", METRIC_COLUMNS, [number, undefined])
    made.write_json("env.json", {"method": {"deterministic": True, "null": False}})
    made.seal()
    made.set_state("complete")
    return made


def test_values_of_a_complete_run_are_read_exactly(run, spec):
    found = summarise(run)
    assert (found.method, found.seed, found.state, found.deterministic) == ("ae", 3, "complete", True)
    results = found.results["phantom"]
    assert (results.lesion, results.healthy) == (1, 1)
    assert results.values["all", "ap.pooled"] == (0.1 + 0.2, 1, 0, "", False, False, "")
    assert results.values["all", "dice@tune"] == (None, 0, 1, "no_tune", False, False, "")


def test_flags_of_a_metric_are_read_from_its_columns_or_from_its_name(run):
    facts = [("sens_fpr05", "True", "True"), ("hd95", "False", "False"), ("dice@oracle_set", "", "")]
    rows = [
        {"dataset": "phantom", "group": "all", "metric": metric, "value": 0.1, "n": 1, "undefined": 0,
         "higher_is_better": higher, "oracle": oracle} for metric, higher, oracle in facts
    ]  # fmt: skip
    run.write_table("metrics.csv", list(dict.fromkeys((*METRIC_COLUMNS, "higher_is_better", "oracle"))), rows)
    run.seal()
    found = {name: (n.oracle, n.lower) for (_, name), n in summarise(run).results["phantom"].values.items()}
    assert found == {"sens_fpr05": (True, False), "hd95": (False, True), "dice@oracle_set": (True, False)}


def test_i17_the_range_of_a_metric_is_read_where_the_run_records_one(run):
    row = {"dataset": "phantom", "group": "all", "value": 0.1, "n": 1, "undefined": 0}
    rows = [row | {"metric": "mine.case", VALUE_RANGE: "[-1, 1]"}, row | {"metric": "ap.case"}]
    run.write_table("metrics.csv", (*METRIC_COLUMNS, VALUE_RANGE), rows)
    run.seal()
    found = summarise(run).results["phantom"].values
    assert found["all", "mine.case"].value_range == "[-1, 1]" and found["all", "ap.case"].value_range == ""


def test_the_fingerprint_is_the_digest_of_the_pinned_protocol(run):
    found = summarise(run)
    assert digest(dict(found.pinned)) == found.fingerprint


def test_a_changed_tune_case_changes_the_fit_digest_but_not_the_test_digest(run):
    before = summarise(run).results["phantom"]
    text = (run.path / "splits.csv").read_text().replace("l0", "l9")
    (run.path / "splits.csv").write_text(text)
    run.seal()
    after = summarise(run).results["phantom"]
    assert before.test_ids == after.test_ids and before.fit_ids != after.fit_ids


def test_an_edited_number_is_refused_by_name(run):
    path = run.path / "metrics.csv"
    path.write_text(path.read_text().replace("0.3", "0.9"))
    with pytest.raises(IntegrityError, match=r"metrics\.csv.*seed3-0000"):
        summarise(run)


def test_values_by_case_draws_and_groups_are_read(run):
    cases = [
        {"dataset": "phantom", "case_id": "l1", "metric": "ap", "value": 0.1 + 0.2},
        {"dataset": "phantom", "case_id": "l1", "metric": "dice@tune", "value": None, "reason": "no_tune"},
        {"dataset": "phantom", "case_id": "h2", "metric": "fpr@q98", "value": 0.5},
    ]
    run.write_table("cases.csv", CASE_COLUMNS, cases)
    run.write_draws({("phantom", "all", "ap.pooled"): np.arange(3.0)})
    run.seal()
    found = summarise(run).results["phantom"]
    assert found.cases == {"ap": {"l1": 0.1 + 0.2}, "dice@tune": {"l1": None}, "fpr@q98": {"h2": 0.5}}
    assert found.draws["all", "ap.pooled"].tolist() == [0, 1, 2]
    assert found.groups == {"all": {"l1"}, "healthy": {"h2"}}


def test_lesion_kinds_are_groups_of_lesion_cases_and_strata_are_none(run):
    text = (run.path / "splits.csv").read_text().splitlines()
    rows = [dict(zip(text[0].split(","), line.split(","), strict=True)) for line in text[1:]]
    rows = [row | {"lesion_kind": "ms", "site": "HH"} for row in rows]
    run.write_table("splits.csv", SPLIT_COLUMNS, rows)
    run.seal()
    assert summarise(run).results["phantom"].groups == {
        "all": {"l1"}, "ms": {"l1"}, "healthy": {"h2"},
    }  # fmt: skip


def test_subjects_are_read_from_the_splits(run):
    assert summarise(run).results["phantom"].subjects == {"h2": "h2", "l1": "l1"}
    rows = [
        dict(zip(("dataset", "case_id", "role", "healthy"), m, strict=True), subject_id="s") for m in MEMBERS
    ]
    run.write_table("splits.csv", SPLIT_COLUMNS, rows)
    run.seal()
    assert summarise(run).results["phantom"].subjects == {"h2": "s", "l1": "s"}


def test_newer_columns_of_splits_may_be_missing(run):
    later = {"scanner", "age", "sex", "subject_id"}
    rows = run.table("splits.csv")
    run.write_table("splits.csv", [c for c in SPLIT_COLUMNS if c not in later], rows)
    run.seal()
    assert summarise(run).results["phantom"].groups == {"all": {"l1"}, "healthy": {"h2"}}


def test_costs_are_those_recorded_and_none_otherwise(run):
    assert summarise(run).cost == (None, None, None, None, None, "")
    run.write_json("env.json", {"device": "cpu", "method": {"baseline": True, "paper": "A 2020"}})
    run.seal()
    run.set_state("complete", fit_s=2.5, score_s_per_scan=0.1, peak_memory_mib=900, parameters=12)
    found = summarise(run)
    assert found.cost == (12, 0.1, 2.5, 900, None, "cpu")
    assert (found.baseline, found.paper, found.fold) == (True, "A 2020", None)


@pytest.mark.parametrize(
    ("machine", "device"),
    [
        ({"device": "cpu", "device_name": "Xeon, new", "threads": 1}, "Xeon new (1 thread)"),
        ({"device": "cpu", "device_name": "Xeon", "threads": 8}, "Xeon (8 threads)"),
        ({"device": "cuda:1", "device_name": "A100", "threads": 8}, "A100"),
        ({"device": "cuda"}, "cuda"),
    ],
)
def test_i17_times_are_of_a_model_of_gpu_or_of_a_model_of_cpu_with_its_threads(run, machine, device):
    run.write_json("env.json", {**machine, "method": {}})
    run.seal()
    run.set_state("complete", fit_s=2.5)
    assert summarise(run).cost.device == device


def test_folds_of_one_plan_share_a_digest_that_runs_without_folds_do_not_have(run, spec):
    def fit_ids(fold, swap):
        text = (run.path / "splits.csv").read_text()
        if swap:  # exchange train and val
            text = text.replace(",train,", ",?,").replace(",val,", ",train,").replace(",?,", ",val,")
        (run.path / "splits.csv").write_text(text)
        run.write_spec(spec.model_copy(update={"fold": fold}))
        run.seal()
        return summarise(run).results["phantom"].fit_ids

    first, second, none = fit_ids(0, swap=False), fit_ids(1, swap=True), fit_ids(None, swap=False)
    assert first == second != none


def test_a_failed_run_has_its_error_and_no_values(run):
    run.set_state("failed", error="loss is not finite")
    found = summarise(run)
    assert (found.state, found.error, found.results["phantom"].values) == ("failed", "loss is not finite", {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("status.json", ""), ("status.json", "[1]"), ("status.json", '{"state": '), ("spec.yaml", "a: 1"),
        ("splits.csv", "x\n1\n"), ("digests.json", "{"), ("digests.json", "[]"),
    ],
)  # fmt: skip
def test_incomplete_and_foreign_files_are_refused_and_other_runs_read(run, tmp_path, name, text):
    good = tmp_path / "copy"
    good.mkdir()
    for path in run.path.iterdir():
        (good / path.name).write_bytes(path.read_bytes())
    (run.path / name).write_text(text)
    found = collect([run, RunDir(good)])
    assert len(found.runs) == len(found.refused) == 1


def test_a_number_that_is_not_finite_is_refused(run):
    path = run.path / "metrics.csv"
    path.write_text(path.read_text().replace("0.30000000000000004", "nan"))
    run.seal()
    with pytest.raises(IntegrityError, match="nan"):
        summarise(run)


def test_settings_include_everything_that_changes_results_except_the_seed(run):
    settings = summarise(run).settings
    assert settings["steps"] == 5 and settings["run.target"] == "m:AE"
    assert json.dumps(settings) and "seed" not in settings


def test_fewer_map_bits_are_a_setting(run, spec):
    run.write_spec(spec.model_copy(update={"map_bits": 16}))
    run.seal()
    assert summarise(run).settings["run.map_bits"] == 16


def test_dataset_options_are_read_for_the_datasets_in_use_under_any_of_their_names(run, spec):
    given = {"phantom": {"seed": 1}, "file.py:Unused": {"x": 1}, "other": {}}
    run.write_spec(spec.model_copy(update={"datasets": given}))
    run.seal()
    assert summarise(run).results["phantom"].options == '{"phantom": {"seed": 1}}'
