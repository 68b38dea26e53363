"""Who takes part: roles, folds, published splits, what is left out, and leaks that stop a run."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers.runs import DATA, HERE, execute, matrix, spec_on
from tests.helpers.toy_data import make, write_case
from uad_bench.cohort.discovery import Sources
from uad_bench.cohort.gather import gather
from uad_bench.cohort.prepare_datasets import learnt_steps, prepare_datasets
from uad_bench.cohort.roles import Plan
from uad_bench.config import load_protocol
from uad_bench.data.published_splits import read_table
from uad_bench.errors import DataError, UsageError
from uad_bench.leaderboard.collect import summarise
from uad_bench.pipeline.matrix import execute as execute_all
from uad_bench.pipeline.reevaluate import reevaluate
from uad_bench.pipeline.run_job import Workplace


@pytest.fixture
def data(tmp_path):
    return make(tmp_path / "data")


@pytest.fixture
def cohort_of(data, tmp_path):
    """gather() of the toy cohort, with parts of the protocol replaced."""

    def cohort(plan=None, modalities=("t2",), folds=0, **sources):
        protocol = load_protocol(str(HERE / "toy.yaml"), {"train": DATA, "test": [DATA]})
        splits = protocol.splits.model_copy(update={"folds": folds})
        protocol = protocol.model_copy(update={"modalities": modalities, "splits": splits})
        here = Sources(tmp_path / "cache", {"toy_data": data}, **sources)
        return gather(spec_on(protocol, DATA), here, plan)

    return cohort


def roles(cohort):
    return {m.case.case_id: m.role for m in cohort.members}


def table_of(tmp_path, rows):
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("dataset", "fold", "role", "case_id"), *rows])
    return path


LEAKY = [
    ("toy_data", 0, "train", "h00"), ("toy_data", 0, "train", "h01"), ("toy_data", 0, "train", "h01"),
    ("toy_data", 0, "train", "h02"), ("toy_data", 0, "val", "h03"), ("toy_data", "", "test", "h02"),
    ("toy_data", "", "test", "a00"), ("toy_data", "", "test", "b01"), ("toy_data", "", "test", "gone"),
]  # fmt: skip


def test_each_fold_has_its_own_val_and_the_same_test(cohort_of):
    found = [roles(cohort_of(Plan(fold=k), folds=3)) for k in range(3)]
    tests = [{case for case, role in one.items() if role == "test"} for one in found]
    vals = [{case for case, role in one.items() if role == "val"} for one in found]
    assert tests[0] == tests[1] == tests[2]
    assert not vals[0] & vals[1] and not vals[1] & vals[2] and not vals[0] & vals[2]
    with pytest.raises(UsageError, match="has folds 0 to 2"):
        cohort_of(Plan(fold=3), folds=3)
    with pytest.raises(UsageError, match="has no folds"):
        cohort_of(Plan(fold=0))


def test_a_published_split_gives_the_roles_and_says_what_is_odd(cohort_of, tmp_path, caplog):
    caplog.set_level("INFO")
    rows = [row for row in LEAKY if row != ("toy_data", "", "test", "h02")]
    cohort = cohort_of(Plan(table=read_table(table_of(tmp_path, rows)), fold=0))
    assert roles(cohort) == {
        "h00": "train", "h01": "train", "h02": "train", "h03": "val", "a00": "test", "b01": "test",
    }  # fmt: skip
    assert any("1 rows of the split table are repeated" in line for line in caplog.messages)
    (said,) = [one for one in caplog.records if "of the split table have no usable files" in one.getMessage()]
    assert (
        said.levelname == "WARNING"
        and "1 of 7 cases" in said.getMessage()
        and said.getMessage().endswith(": gone")
    )
    assert ("toy_data", "gone", "in the split table, not found") in cohort.left_out
    unlisted = [case_id for _, case_id, why in cohort.left_out if why == "not in the split table"]
    assert "a01" in unlisted and not {*unlisted} & {*roles(cohort)}
    assert any(
        f"{len(unlisted)} of " in line and "not in the split table" in line for line in caplog.messages
    )


def test_a_subject_in_train_and_test_stops_the_run_before_anything_is_prepared(cohort_of, tmp_path):
    """F30."""
    plan = Plan(table=read_table(table_of(tmp_path, LEAKY)), fold=0)
    with pytest.raises(DataError, match=r"leak L1.*--allow-leak") as caught:
        cohort_of(plan)
    assert (caught.value.exit_code, caught.value.code) == (3, "UB340")
    assert not (tmp_path / "cache" / "prepared").exists()


def test_a_leak_into_a_test_set_that_the_run_leaves_out_stops_it_too(data, tmp_path):
    other = make(tmp_path / "other", healthy=0)
    protocol = load_protocol(str(HERE / "toy.yaml"), {"train": DATA, "test": [str(HERE / "toy_other.py")]})
    here = Sources(tmp_path / "cache", {"toy_data": data, "toy_other": other})
    rows = [*LEAKY, ("toy_other", "", "test", "a00")]
    plan = Plan(table=read_table(table_of(tmp_path, rows)), fold=0)
    with pytest.raises(DataError, match="leak L1"):
        gather(spec_on(protocol), here, plan)


def test_a_leak_among_subjects_that_are_not_here_stops_a_run_too(cohort_of, shared_data):
    """The papers' tables leak whoever has half of the data."""
    rows = shared_data / "legacy_splits" / "legacy_splits.csv"
    table = read_table(rows)
    mine = [replace(row, dataset="toy_data") for row in table.all_rows if row.dataset == "ixi"]
    for fold, leaked in enumerate((9, 9, 9, 7, 8)):
        with pytest.raises(DataError, match=r"leak L1.*--allow-leak") as caught:
            cohort_of(Plan(table=replace(table, all_rows=tuple(mine)), fold=fold))
        assert caught.value.code == "UB340"
        assert (
            f"train and test share {leaked}" in str(caught.value) or fold > 1
        )  # there train and val come first


def test_an_allowed_leak_marks_the_result_for_good(data, tmp_path):
    (spec,) = matrix("Blur", fold=0, splits="legacy=table.csv#abc", allow_leak=True)
    place = Workplace(tmp_path / "runs", Sources(tmp_path / "cache", {"toy_data": data}), threads=1)
    outcome = execute_all([spec], place, read_table(table_of(tmp_path, LEAKY)))
    assert outcome.error is None
    run = outcome.done[0]
    assert any(one["rule"] == "L1" for one in json.loads((run.path / "audit.json").read_text()))
    marks = summarise(run).marks
    assert "legacy=table.csv#abc" in marks[0] and marks[1].startswith("leak L1")
    again = reevaluate(run, [(["protocol", "metrics"], ["ap"])], place.sources)
    assert summarise(again).marks == marks


def test_the_same_voxels_under_two_names_stop_a_run_across_roles(cohort_of, data):
    """F29."""
    base = roles(cohort_of())
    train, test = (
        next(c for c, role in base.items() if role == r and c[0] == "h") for r in ("train", "test")
    )
    for what in ("t2", "brain"):
        shutil.copyfile(data / f"{train}_{what}.nii.gz", data / f"{test}_{what}.nii.gz")
    with pytest.raises(DataError, match="leak L3") as caught:
        cohort_of()
    assert train in str(caught.value) and test in str(caught.value)


def test_the_same_voxels_under_two_names_in_one_role_are_a_warning(cohort_of, data, caplog):
    base = roles(cohort_of())
    one, two = [c for c, role in base.items() if role == "test" and c[0] != "h"][:2]
    for what in ("t2", "brain"):
        shutil.copyfile(data / f"{one}_{what}.nii.gz", data / f"{two}_{what}.nii.gz")
    cohort_of()
    (said,) = [line for line in caplog.messages if line.startswith("audit, rule L3")]
    assert one in said and two in said


def test_cases_without_a_modality_are_an_error_or_left_out_and_told(cohort_of):
    """F27."""
    with pytest.raises(DataError, match="no case of dataset"):
        cohort_of(modalities=("t1",))


def test_a_test_case_without_its_lesion_mask_stops_a_run_before_it_starts(cohort_of, data, tmp_path):
    (data / "a01_lesion.nii.gz").unlink()
    with pytest.raises(DataError, match="no lesion mask") as caught:
        cohort_of()
    assert (caught.value.where, caught.value.code) == ("a01", "UB333")
    assert not (tmp_path / "cache" / "prepared").exists()


def test_what_is_left_out_is_on_record(place_with_broken, tmp_path):
    run = place_with_broken
    (row,) = run.table("left_out.csv")
    assert (row["dataset"], row["case_id"]) == ("toy_data", "h03")
    assert "truncated" in row["reason"]


@pytest.fixture
def place_with_broken(data, tmp_path):
    path = data / "h03_t2.nii.gz"
    path.write_bytes(path.read_bytes()[:-200])
    here = Sources(tmp_path / "cache", {"toy_data": data}, skip_broken=True)
    (run,) = execute(matrix("Blur"), Workplace(tmp_path / "runs", here, threads=1))
    return run


def test_a_missing_subject_moves_no_other(cohort_of, data):
    before = roles(cohort_of())
    for path in data.glob("h04_*"):
        path.unlink()
    write_case(data, "h90", np.random.default_rng(90))
    after = roles(cohort_of())
    assert {c: r for c, r in after.items() if c != "h90"} == {c: r for c, r in before.items() if c != "h04"}


def test_prepare_skips_steps_that_learn_without_a_training_set(data, tmp_path, caplog):
    protocol = load_protocol(str(HERE / "toy.yaml"), {"train": "ixi"})
    protocol = protocol.model_copy(update={"prepare": (*protocol.prepare[:3], {"step": "histogram"})})
    caplog.set_level("INFO")
    here = Sources(tmp_path / "cache", {"toy_data": data})
    steps = learnt_steps(protocol, {}, here, [DATA])
    assert [step["step"] for step in steps] == ["canonical", "brain_mask", "resample"]
    assert "--data ixi=FOLDER" in caplog.messages[0]
    (one,) = prepare_datasets([DATA], protocol, {}, here)
    assert (len(one.cases), one.found, one.failures) == (16, 16, [])


def test_landmarks_are_learnt_from_train_alone_and_kept_with_the_run(data, tmp_path):
    steps = [{"step": "canonical"}, {"step": "brain_mask"}, {"step": "resample"}, {"step": "histogram"},
             {"step": "scale"}]  # fmt: skip
    specs = matrix("Blur", more=[(["protocol", "prepare"], steps)])
    place = Workplace(tmp_path / "runs", Sources(tmp_path / "cache", {"toy_data": data}), threads=1)
    (run,) = execute(specs, place)
    (fitted,) = json.loads((run.path / "fitted.json").read_text())
    train = {f"toy_data/{row['case_id']}" for row in run.table("splits.csv") if row["role"] == "train"}
    assert set(fitted["saw"]) == train
    assert len(fitted["parameters"]["landmarks"]["t2"]) == len(fitted["parameters"]["percentiles"])


def test_borrowed_weights_that_saw_the_test_set_are_a_leak(monkeypatch, data, tmp_path):
    """L11."""
    from tests.helpers import toy_methods

    monkeypatch.setattr(toy_methods.Blur, "pretrained_on", ("toy_data", "elsewhere"))
    blur = "tests.helpers.toy_methods:Blur"
    with pytest.raises(DataError, match=r"leak L11.*toy_data.*--allow-leak"):
        matrix(f"{blur}")


def test_steps_that_end_on_another_grid_than_the_protocol_states_are_an_error(data, tmp_path):
    protocol = load_protocol(str(HERE / "toy.yaml"), {"train": DATA, "test": [DATA]})
    steps = tuple(step for step in protocol.prepare if step["step"] != "resample")
    other = protocol.grid.model_copy(update={"spacing": (9.0, 9.0, 9.0)})
    protocol = protocol.model_copy(update={"prepare": steps, "grid": other})
    with pytest.raises(DataError, match=r"ends on another grid .* in place of .*9x9x9 mm") as caught:
        gather(spec_on(protocol, DATA), Sources(tmp_path / "cache", {"toy_data": data}))
    assert caught.value.code == "UB328"


def test_a_folder_of_data_may_begin_with_a_tilde_and_one_that_is_gone_is_said(tmp_path, monkeypatch, caplog):
    (tmp_path / "all" / "Toy").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UAD_BENCH_DATA", "~/all")
    assert Sources(tmp_path).named_root("toy") == tmp_path / "all" / "Toy"
    monkeypatch.setenv("UAD_BENCH_DATA", "~/gone")
    here = Sources(tmp_path)
    assert here.named_root("toy") is None and here.named_root("other") is None
    assert [line for line in caplog.messages if "is no folder and is not used" in line] == [
        f"$UAD_BENCH_DATA is no folder and is not used: {tmp_path / 'gone'}"
    ]
