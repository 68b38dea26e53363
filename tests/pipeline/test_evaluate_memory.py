"""Which maps are in memory while a run is evaluated, and what is left of a run afterwards."""

import gc
import tracemalloc

import pytest

from tests.helpers.runs import execute, matrix
from uad_bench.cohort.gather import gather
from uad_bench.evaluate import engine, thresholds
from uad_bench.pipeline import evaluate_run as module
from uad_bench.results.scored_maps import SPOOL, ScoredMaps

STEPS = [{"step": "median", "size": 3}, {"step": "erode_brain"}]


@pytest.fixture
def made(place):
    """A finished run on the toy cohort, its specification and its cohort."""
    where, (spec,) = place(), matrix("Blur", more=[(["protocol", "postprocess"], STEPS)])
    (run,) = execute([spec], where)
    return run, spec, gather(spec, where.sources)


def roles_in_memory():
    """The roles of the members whose maps some ScoredMaps keeps."""
    sets = [one for one in gc.get_objects() if type(one) is ScoredMaps]
    return sorted({one.members[index].role for one in sets for index in one._kept})


def test_maps_of_validation_and_tune_cases_are_dropped_once_they_gave_their_thresholds(made, monkeypatch):
    run, spec, cohort = made
    monkeypatch.setattr(module, "SHARED_UP_TO", 0)
    seen = {"evaluate": [], "resolve": []}

    def spied(place, name):
        real = getattr(place, name)

        def call(*words, **more):
            seen[name].append(roles_in_memory())
            return real(*words, **more)

        monkeypatch.setattr(place, name, call)

    spied(engine, "evaluate")
    spied(thresholds, "resolve")
    run.path.joinpath("metrics.csv").unlink()
    module.evaluate_run(run, spec, cohort)
    assert seen["evaluate"] == [["test"]] * 3  # after all steps, of the raw maps, after the first step
    # Of the healthy scans, three times, then of the tune cases and of the test cases in turn.
    assert seen["resolve"] == [[]] * 9
    assert roles_in_memory() == []


def test_maps_of_a_large_set_are_never_in_memory_and_one_folder_has_them(made, monkeypatch):
    run, spec, cohort = made
    for place, name in ((module, "SHARED_UP_TO"), (ScoredMaps, "KEEP_VOXELS")):
        monkeypatch.setattr(place, name, 0)
    folders, real = [], engine.evaluate

    def evaluate(*words, **more):
        folders.append(len(list(run.path.glob(f"{SPOOL}*"))))
        assert not roles_in_memory()
        return real(*words, **more)

    monkeypatch.setattr(engine, "evaluate", evaluate)
    before = run.path.joinpath("metrics.csv").read_bytes()
    run.path.joinpath("metrics.csv").unlink()
    module.evaluate_run(run, spec, cohort)
    assert max(folders) == 1
    assert run.path.joinpath("metrics.csv").read_bytes() == before


def test_nothing_of_a_run_is_left_in_memory_for_the_next_one(made):
    run, spec, cohort = made
    module.evaluate_run(run, spec, cohort)  # libraries are loaded, and fill their caches
    left = []
    tracemalloc.start()
    for _ in range(2):
        module.evaluate_run(run, spec, cohort)
        gc.collect()
        left.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    one_map = 4 * cohort.of("test")[0].prepared.scan().brain_mask.size
    assert left[1] - left[0] < one_map
