import multiprocessing
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from uad_bench.data import stream
from uad_bench.errors import DataError, EnvironmentFault, UsageError
from uad_bench.prepare.cache import _awaited, prepare_all, prepared
from uad_bench.types import Case

STEPS = [
    {"step": "canonical"},
    {"step": "brain_mask"},
    {"step": "resample", "spacing": [2, 2, 2], "shape": [26, 28, 24]},
    {"step": "scale"},
]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.[nj]*") if p.is_file()}


@pytest.fixture
def sealed(monkeypatch):
    """Call it, and from then on no source file may be opened."""

    def refuse(path: Path, where: str) -> bytes:
        raise AssertionError(f"{path} was opened")

    return lambda: monkeypatch.setattr(stream, "_raw", refuse)


def test_scan_and_truth_are_what_the_contracts_say(toy_case, tmp_path):
    entry = prepared(toy_case(), ["t2"], STEPS, tmp_path / "cache")
    scan, truth = entry.scan(), entry.truth()
    assert (scan.case_id, scan.modalities, scan.spacing, scan.shape) == (
        "toy-1",
        ("t2",),
        (2, 2, 2),
        (26, 28, 24),
    )
    assert (scan.image.dtype, scan.image.shape) == (np.float32, (1, 26, 28, 24))
    assert truth.lesion_mask.sum() == 16
    assert truth.lost == 0
    for array in (scan.image, scan.brain_mask, truth.lesion_mask):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_truth_of_a_healthy_case_is_empty_and_of_an_unlabelled_one_unknown(toy_case, tmp_path):
    case = toy_case(lesion=False)
    truth = prepared(case, ["t2"], STEPS, tmp_path / "cache").truth()
    assert truth.lesion_mask.shape == (26, 28, 24)
    assert not truth.lesion_mask.any()
    with pytest.raises(DataError, match="no lesion mask"):
        prepared(replace(case, healthy=False), ["t2"], STEPS, tmp_path / "cache").truth()


def test_lesion_voxels_outside_the_grid_are_kept_as_lost(toy_case, tmp_path):
    steps = [*STEPS[:2], {**STEPS[2], "shape": [10, 28, 24]}]
    truth = prepared(toy_case(), ["t2"], steps, tmp_path / "cache").truth()
    assert truth.lost + truth.lesion_mask.sum() == pytest.approx(125 / 8, abs=2)
    assert truth.lost > 0


def test_the_second_time_no_source_is_opened(toy_case, tmp_path, sealed):
    case = toy_case()
    first = prepared(case, ["t2"], STEPS, tmp_path / "cache")
    sealed()
    again = prepared(case, ["t2"], STEPS, tmp_path / "cache")
    assert again == first
    with pytest.raises(AssertionError, match="was opened"):
        prepared(case, ["t2"], STEPS[:2], tmp_path / "cache")


def test_a_damaged_entry_is_made_again(toy_case, tmp_path):
    case = toy_case()
    entry = prepared(case, ["t2"], STEPS, tmp_path / "cache")
    good = tree(tmp_path / "cache")
    (entry.folder / "image.npy").write_bytes(b"\0" * 100)
    (entry.folder / "lesion_mask.npy").unlink()
    prepared(case, ["t2"], STEPS, tmp_path / "cache")
    assert tree(tmp_path / "cache") == good


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
    seen = []
    done, failures = prepare_all(cases, ["t2"], STEPS, tmp_path / "cache", workers, lambda *n: seen.append(n))
    assert [entry.case.case_id for entry in done] == ["a", "c"]
    assert [(name, error.exit_code, error.code) for name, error in failures] == [
        ("b", 3, "UB322"),
        ("d", 3, "UB332"),
    ]
    assert "truncated" in str(failures[0][1])
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_the_number_of_workers_does_not_show(toy_case, tmp_path, sealed):
    cases = [toy_case(f"c{i}", seed=i) for i in range(3)]
    prepare_all(cases, ["t2"], STEPS, tmp_path / "one", workers=1)
    prepare_all(cases, ["t2"], STEPS, tmp_path / "two", workers=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    sealed()
    done, failures = prepare_all(cases, ["t2"], STEPS, tmp_path / "two", workers=2)
    assert (len(done), failures) == (3, [])


def test_wrong_steps_and_twice_the_same_id_stop_at_once(toy_case, tmp_path):
    case = toy_case()
    with pytest.raises(UsageError, match="unknown preparation step"):
        prepare_all([case], ["t2"], [{"step": "skale"}], tmp_path / "cache")
    with pytest.raises(DataError, match="met twice: toy-1"):
        prepare_all([case, case], ["t2"], STEPS, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def _race(case: Case, cache: Path, gate) -> None:
    gate.wait()
    prepared(case, ["t2"], STEPS, cache)


def test_two_processes_that_race_end_with_one_entry(toy_case, tmp_path):
    case, context = toy_case(), multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    racers = [context.Process(target=_race, args=(case, tmp_path / "both", gate)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0]
    prepared(case, ["t2"], STEPS, tmp_path / "alone")
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")


def test_a_worker_that_died_is_a_failure_of_its_case(toy_case, tmp_path):
    future = Future()
    future.set_exception(BrokenProcessPool())
    error = _awaited(future, (toy_case(), ["t2"], STEPS, tmp_path))
    assert (error.exit_code, error.where) == (6, "toy-1")
    assert "fewer workers" in str(error)


def test_a_cache_that_cannot_be_written_is_the_machines_fault(toy_case, tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(EnvironmentFault, match="cannot write the cache") as caught:
        prepared(toy_case(), ["t2"], STEPS, tmp_path / "cache")
    assert caught.value.exit_code == 6
