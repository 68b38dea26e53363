"""From stored maps to rows: spooled maps, the post-processing ablation, predictions after post-processing."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.runs import execute, matrix
from uad_bench.cohort.gather import gather
from uad_bench.config import load_protocol
from uad_bench.errors import EnvironmentFault, UsageError
from uad_bench.evaluate import engine, postprocess
from uad_bench.evaluate.curves.score_histogram import Sketch
from uad_bench.evaluate.metric import Metric
from uad_bench.figures.run_figures import typical_cases
from uad_bench.pipeline import evaluate_run as module
from uad_bench.pipeline.evaluate_run import stages
from uad_bench.pipeline.protocol_checks import check_protocol
from uad_bench.results.scored_maps import SPOOL, ScoredMaps, remove_spools

STEPS = [{"step": "median", "size": 3}, {"step": "erode_brain"}, {"step": "drop_components", "voxels": 2}]


@pytest.fixture
def made(place):
    """A finished run on the toy cohort, its specification and its cohort."""
    where, (spec,) = place(), matrix("Blur", more=[(["protocol", "postprocess"], STEPS)])
    (run,) = execute([spec], where)
    return run, spec, gather(spec, where.sources)


def rows(run, name="metrics.csv"):
    return {(row["group"], row["metric"]): row["value"] for row in run.table(name)}


def test_i17_only_runs_with_a_metric_of_a_plug_in_record_its_range(made, place):
    assert "value_range" not in made[0].table("metrics.csv")[0]
    names = ["ap", "dice", "tests.helpers.sound_plugins:SoundMetric"]
    (run,) = execute(matrix("Blur", more=[(["protocol", "metrics"], names)]), place())
    ranges = {row["metric"]: row["value_range"] for row in run.table("metrics.csv")}
    assert ranges.pop("sound.case") == "[-1, 1]" and set(ranges.values()) == {""}


def test_large_sets_are_spooled_with_equal_maps_and_leave_nothing(made, monkeypatch):
    run, spec, cohort = made
    members = cohort.of("test")
    in_memory = list(ScoredMaps(run, members, spec))
    monkeypatch.setattr(ScoredMaps, "KEEP_VOXELS", 0)
    views = ScoredMaps(run, members, spec)
    for _ in range(2):
        for scored, kept in zip(views, in_memory, strict=True):
            assert np.array_equal(scored.map, kept.map)
            assert np.array_equal(scored.brain_mask, kept.brain_mask)
            assert scored.strata == kept.strata
    assert np.array_equal(views[-1].map, in_memory[-1].map)
    assert len(list(run.path.glob(f"{SPOOL}*"))) == 1
    views.forget()
    assert not list(run.path.glob(f"{SPOOL}*"))
    (run.path / f"{SPOOL}killed").mkdir()
    remove_spools(run)
    assert not list(run.path.glob(f"{SPOOL}*"))


def test_a_full_disk_is_told_in_one_line(made, monkeypatch):
    run, spec, cohort = made
    monkeypatch.setattr(ScoredMaps, "KEEP_VOXELS", 0)

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(EnvironmentFault, match="No space left on device") as caught:
        list(ScoredMaps(run, cohort.of("test"), spec))
    assert caught.value.exit_code == 6


def test_kept_views_hold_no_file_open(made):
    run, spec, cohort = made
    views = ScoredMaps(run, cohort.of("test"), spec)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in views:
        pass
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 6  # those of the last case, until it goes


@pytest.mark.parametrize(
    ("primary", "words"),
    [
        ("ap.cas", "ap.case"), ("dice@oracle_set", "uses the test labels"), ("fpr@healthy_q98", "lower"),
        ("sens_fpr05.case", "uses the test labels"), ("raw:ap.case", "unknown primary metric"),
        ("case_ap_q99.case", "unknown primary metric"), ("nsd_2mm.pooled@healthy_q98", "unknown primary metric"),
        ("prevalence.case", "a reference value"),
    ],
)  # fmt: skip
def test_only_a_metric_of_the_protocol_that_may_rank_is_primary(primary, words):
    metrics = ["ap", "dice", "fpr", "sens_fpr05", "case_ap_q99", "nsd_2mm", "prevalence"]
    with pytest.raises(UsageError, match=words):
        check_protocol(load_protocol("phantom", {"primary": primary, "metrics": metrics}))


@pytest.mark.parametrize(
    "primary", ["ap.pooled", "case_ap_q99.pooled", "nsd_2mm@healthy_q98", "sound.case", "shares.pooled"]
)
def test_every_number_that_a_metric_has_may_be_primary(primary):
    own = ["tests.helpers.sound_plugins:SoundMetric", f"{__name__}:SharesMetric"]
    metrics = ["ap", "case_ap_q99", "nsd_2mm", *own]
    check_protocol(load_protocol("phantom", {"primary": primary, "metrics": metrics}))


class SharesMetric(Metric):
    """A pooled value alone, from what is kept of the cases."""

    name = "shares"

    def joined(self, kept):
        return None


def test_rows_say_whether_they_look_at_the_labels_and_which_way_is_better(made):
    told = {row["metric"]: (row["oracle"], row["higher_is_better"]) for row in made[0].table("metrics.csv")}
    assert told["ap.case"] == told["raw:ap.case"] == ("False", "True")
    assert told["dice@oracle_set"] == told["raw:dice.pooled@oracle_set"] == ("True", "True")
    assert told["fpr@healthy_q98"] == ("False", "False")


def test_a_case_knows_its_strata_and_its_image(made):
    run, spec, cohort = made
    scored = next(one for one in ScoredMaps(run, cohort.of("test"), spec) if not one.healthy)
    assert scored.strata["load"].endswith("ml")
    assert scored.image is not None and scored.image.shape[1:] == scored.map.shape


def test_the_ablation_measures_raw_maps_and_every_step_but_the_last(made):
    run, _, _ = made
    found = rows(run)
    stages_there = {metric.partition(":")[0] for _, metric in found if ":" in metric}
    assert stages_there == {"raw", "median", "erode_brain"}
    assert found["all", "raw:ap.case"] != found["all", "ap.case"]
    # Predictions are cleaned last, which no average precision sees.
    assert found["all", "erode_brain:ap.case"] == found["all", "ap.case"]
    assert ("all", "raw:auroc.case") not in found


def test_the_raw_stage_is_a_run_without_post_processing(made, place):
    (bare,) = execute(matrix("Blur", more=[(["protocol", "postprocess"], [])]), place())
    plain, found = rows(bare), rows(made[0])
    assert found["all", "raw:ap.pooled"] == plain["all", "ap.pooled"]
    assert found["all", "raw:dice@tune"] == plain["all", "dice@tune"]


def test_stages_have_names_of_their_own():
    steps = postprocess.parse([{"step": "median", "size": 3}] * 3)
    assert stages(steps) == ["raw", "median", "median#2"]
    assert stages(()) == []


def test_stored_maps_are_unpacked_once_in_small_sets_and_results_are_the_same(made, monkeypatch):
    run, spec, cohort = made
    before, read = run.path.joinpath("metrics.csv").read_bytes(), []
    unpack = type(run).read_map
    monkeypatch.setattr(type(run), "read_map", lambda *words: read.append(words[1:]) or unpack(*words))
    # Without shared maps each is read before each step and after the last; two of the three steps are on maps.
    for most, times in ((1e9, 1), (0, len(STEPS))):
        read.clear()
        run.path.joinpath("metrics.csv").unlink()
        monkeypatch.setattr(module, "SHARED_UP_TO", most)
        module.evaluate_run(run, spec, cohort)
        assert run.path.joinpath("metrics.csv").read_bytes() == before
        assert len(set(read)) >= len(cohort.of("test"))
        assert all(read.count(one) >= times for one in read) and (times > 1 or len(read) == len(set(read)))


def test_large_test_sets_are_measured_by_several_processes_with_equal_bytes(made, monkeypatch):
    run, spec, cohort = made
    tables = [run.path / name for name in ("metrics.csv", "cases.csv", "thresholds.csv", "draws.npz")]
    before, processes = [path.read_bytes() for path in tables], []
    evaluate = engine.evaluate
    monkeypatch.setattr(
        engine,
        "evaluate",
        lambda *words, **more: processes.append(more["processes"]) or evaluate(*words, **more),
    )
    for least, wanted in ((0, 2), (5e7, 1)):
        for path in tables:
            path.unlink()
        processes.clear()
        monkeypatch.setattr(module, "PARALLEL_FROM", least)
        module.evaluate_run(run, spec, cohort, workers=2)
        assert [path.read_bytes() for path in tables] == before
        assert processes[0] == wanted and set(processes[1:]) == {1}  # the ablation is measured by one process


def test_pictures_show_typical_cases(made):
    run, spec, cohort = made
    shown = typical_cases(ScoredMaps(run, cohort.of("test"), spec).members)
    assert len(shown) == len(set(shown)) <= 6


def test_sketches_of_a_run_hold_its_pooled_number(made):
    run, _, _ = made
    lesion = {row["case_id"] for row in run.table("splits.csv") if row["healthy"] == "False"}
    kept = run.sketches("toy_data")
    merged = Sketch.merged(Sketch.of_bytes(kept[case_id]) for case_id in kept.keys() & lesion)
    interval = merged.ap()
    assert interval.low <= float(rows(run)["all", "ap.pooled"]) <= interval.high
    run.verify(maps=True)
