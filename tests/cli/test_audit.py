"""`uad-bench audit` as a person types it: a table alone, data on disk, a finished run."""

import json
from pathlib import Path

import pytest

from tests.helpers.runs import spec_on
from tests.helpers.toy_data import make
from uad_bench.cli.data import audit
from uad_bench.config import load_protocol
from uad_bench.errors import DataError, IntegrityError, PartialFailure, UsageError
from uad_bench.results.csv_tables import SPLIT_COLUMNS, THRESHOLD_COLUMNS
from uad_bench.results.run_directory import RunDir

HERE = Path(__file__).parents[1] / "helpers"
DATA = str(HERE / "toy_data.py")
LEAKY = """dataset,source,fold,role,case_id
heads,,0,train,h1-A
heads,,0,train,h1-A
heads,,1,train,h2-A
heads,,,test,h2-A
lesions,one,,test,p01
lesions,two,,val,p01
lesions,two,,test,p02
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text(LEAKY)
    return path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Options that audit the toy dataset of the tests."""
    monkeypatch.delenv("UAD_BENCH_DATA", raising=False)
    root = make(tmp_path / "toy")
    return {
        "protocol": str(HERE / "toy.yaml"), "data": [f"{DATA}={root}"],
        "set_": [f"protocol.train={DATA}", f"protocol.test=[{DATA}]", f"protocol.splits.tune={{{DATA}: 0.4}}"],
    }  # fmt: skip


def test_f30_a_table_alone_is_audited_in_every_fold_and_source(table, capsys):
    with pytest.raises(DataError, match="1 leak") as caught:
        audit.audit(splits=f"legacy={table}")
    out = capsys.readouterr().out.splitlines()
    assert (caught.value.exit_code, caught.value.code) == (3, "UB340")
    assert out[0] == "warning  L2   fold 0: heads: 1 case of train on several rows, each counts once: h1-A"
    assert out[1] == "error    L1   fold 1: heads: train and test share 1 subject: h2"
    assert [line.split()[0] for line in out[2:]] == [f"L{i}" for i in range(1, 15)]
    assert "one: lesions: 1 test case" in out[-1] and "two: lesions: 1 test case" in out[-1]


def test_one_fold_and_one_source_of_a_table(table, capsys):
    audit.audit(splits=f"legacy:two={table}", fold=0)
    out = capsys.readouterr().out
    assert "fold 1" not in out and "one: lesions" not in out and "two: lesions" in out
    with pytest.raises(UsageError, match="no fold 7"):
        audit.audit(splits=f"legacy={table}", fold=7)


def test_data_on_disk_with_the_protocols_roles(toy, capsys):
    audit.audit(**toy)
    out = capsys.readouterr().out
    assert "L1   ok         a subject has one role: toy_data: 16 subjects, each in one role" in out
    assert "L10  ok" in out and "all   all           10 subjects: test 20.0%, train 60.0%, val 20.0%" in out


def test_data_on_disk_with_the_roles_of_a_table(toy, tmp_path, capsys):
    rows = [
        "toy_data,train,h00",
        "toy_data,val,h01",
        "toy_data,test,h00",
        "toy_data,train,a00",
        "toy_data,test,b00",
    ]
    table = tmp_path / "roles.csv"
    table.write_text("dataset,role,case_id\n" + "\n".join(rows))
    with pytest.raises(DataError, match="2 leaks"):
        audit.audit(splits=f"legacy={table}", **toy)
    out = capsys.readouterr().out
    assert "toy_data: train and test share 1 subject: h00" in out
    assert "error    L10  toy_data: 1 case with lesions in train or val: a00" in out


def test_a_finished_run_is_audited_from_its_files(tmp_path, capsys):
    run = tmp_path / "runs" / "p" / "m" / "r"
    run.mkdir(parents=True)
    RunDir(run).write_spec(spec_on(load_protocol("phantom")))
    (run / "status.json").write_text(json.dumps({"state": "complete"}))
    rows = ["dataset,case_id,subject_id,role,healthy,content", "toy,a,a,train,True,1", "toy,b,b,test,True,1"]
    (run / "splits.csv").write_text("\n".join(rows))
    (run / "thresholds.csv").write_text("dataset,rule,value,n_cases,ids_sha256,oracle,reason\n")
    (run / "fitted.json").write_text(json.dumps([{"step": "histogram", "parameters": {}, "saw": ["toy/b"]}]))
    with pytest.raises(IntegrityError, match="digests"):
        audit.audit([tmp_path / "runs"])
    RunDir(run).seal()
    other = RunDir(tmp_path / "runs" / "p" / "m" / "failed")
    other.write_spec(spec_on(load_protocol("phantom")))
    other.set_state("failed")
    with pytest.raises(DataError, match="2 leaks"):
        audit.audit([tmp_path / "runs"])
    out = capsys.readouterr().out
    assert "L3   p/m/r: the same voxels under two ids, in train and test: toy/a, toy/b" in out
    assert "L8   p/m/r: landmarks 'histogram' were fitted on 1 test case: toy/b" in out


def test_a_run_that_is_not_complete_is_not_audited_and_the_exit_code_says_so(tmp_path, capsys):
    """Without leaks the error would be swallowed: exit code 0 means that all runs are audited."""
    for name, state in (("done", "complete"), ("failed", "failed")):
        run = RunDir(tmp_path / "runs" / "p" / "m" / name)
        run.write_spec(spec_on(load_protocol("phantom")))
        run.write_table("splits.csv", SPLIT_COLUMNS, [
            {"dataset": "toy", "case_id": "a", "subject_id": "a", "role": "test", "healthy": True, "content": "1"}
        ])  # fmt: skip
        run.write_table("thresholds.csv", THRESHOLD_COLUMNS, [])
        run.seal()
        run.set_state(state)
    with pytest.raises(PartialFailure, match="1 runs are not audited"):
        audit.audit([tmp_path / "runs"])
    out, err = capsys.readouterr()
    assert "L1   ok" in out and "left out: p/m/failed is not complete, its state is 'failed'" in err
    with pytest.raises(UsageError, match="no complete run, found: 'failed'"):
        audit.audit([tmp_path / "runs/p/m/failed"])


def test_the_published_table_is_named_fold_by_fold(shared_data, capsys):
    with pytest.raises(DataError, match="10 leaks"):
        audit.audit(splits=f"legacy={shared_data / 'legacy_splits' / 'legacy_splits.csv'}")
    errors = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    assert errors[0].endswith("IXI219, IXI237, IXI447, IXI493, IXI499, IXI512, IXI531, IXI549, IXI552")
    train_test = [line.split(" share ")[1].split()[0] for line in errors if "train and test" in line]
    assert train_test == ["9", "9", "9", "7", "8"]
