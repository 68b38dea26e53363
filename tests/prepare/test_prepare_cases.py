from dataclasses import replace

import pytest

from tests.helpers.cache_trees import tree
from uad_bench.data.nifti import validation
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare import chain
from uad_bench.prepare import prepare_cases as module
from uad_bench.prepare.prepare_cases import Preparation, prepare_cases
from uad_bench.support.process_pool import WorkerDied
from uad_bench.types import Case

STEPS = [
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [26, 28, 24]},
    {"step": "scale"},
]


@pytest.fixture(autouse=True)
def small_brains(monkeypatch):
    """A ball of 33 ml passes for a brain."""
    monkeypatch.setattr(validation, "BRAIN_ML", (0.0, 2500.0))


def how(cache, workers=1, steps=STEPS):
    return Preparation(["t2"], steps, cache, workers)


def broken(case: Case) -> Case:
    """The case with its image cut in half."""
    path = case.images["t2"]
    path.write_bytes(path.read_bytes()[:2000])
    return case


@pytest.mark.parametrize("workers", [1, 2])
def test_all_failures_are_listed_and_the_rest_is_done(toy_case, tmp_path, workers):
    cases = [
        toy_case("a"),
        broken(toy_case("b")),
        toy_case("c", lesion=False),
        replace(toy_case("d"), images={}),
    ]
    done, failures = prepare_cases(cases, how(tmp_path / "cache", workers))
    assert [entry.case.case_id for entry in done] == ["a", "c"]
    assert [(case.case_id, error.exit_code, error.code) for case, error in failures] == [
        ("b", 3, "UB322"),
        ("d", 3, "UB332"),
    ]
    assert "truncated" in str(failures[0][1])
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_f83_the_number_of_workers_does_not_show(toy_case, tmp_path, sealed):
    cases = [toy_case(f"c{i}", seed=i) for i in range(3)]
    prepare_cases(cases, how(tmp_path / "one", workers=1))
    assert prepare_cases(cases, how(tmp_path / "two", workers=2))[1] == []
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    sealed()
    done, failures = prepare_cases(cases, how(tmp_path / "two", workers=2))
    assert (len(done), failures) == (3, [])


def test_wrong_steps_and_twice_the_same_id_stop_at_once(toy_case, tmp_path):
    case = toy_case()
    with pytest.raises(UsageError, match="unknown preparation step"):
        prepare_cases([case], how(tmp_path / "cache", steps=[{"step": "skale"}]))
    with pytest.raises(DataError, match="duplicate case ids: toy-1"):
        prepare_cases([case, case], how(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_a_worker_that_died_is_a_failure_of_its_case(toy_case, tmp_path, monkeypatch):
    def dead():
        raise WorkerDied("a worker process died", hint="use fewer workers")

    monkeypatch.setattr(module, "calls", lambda *_: iter([dead]))
    ((case, error),) = prepare_cases([toy_case()], how(tmp_path))[1]
    assert (error.exit_code, error.where, case.case_id) == (6, "toy-1", "toy-1")
    assert "fewer workers" in str(error)


def test_what_a_library_throws_is_the_failure_of_one_case(toy_case, tmp_path, monkeypatch):
    def broken_library(*_):
        raise RuntimeError("itk::ERROR: all went wrong")

    monkeypatch.setattr(chain, "_stacked", broken_library)
    done, failures = prepare_cases([toy_case()], how(tmp_path / "cache"))
    assert (done, failures[0][1].code) == ([], "UB339")
    assert "all went wrong" in str(failures[0][1])
