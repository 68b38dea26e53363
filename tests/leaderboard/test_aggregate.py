"""Means, deviations, ranks, and who stands in which table."""

import random
import statistics
from dataclasses import replace

import pytest

from uad_bench.errors import UsageError
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.run_summary import Number
from uad_bench.leaderboard.seed_means import over_seeds

AP = ("all", "ap.pooled")


def numbers(*values):
    return [Number(value, 36, 0) for value in values]


def ranks(table):
    return [(row.label, row.rank) for row in table.rows]


def test_mean_and_deviation_over_seeds_are_those_of_the_sample():
    values = [random.Random(seed).random() for seed in range(7)]
    cell = over_seeds(numbers(*values))
    assert cell.mean == pytest.approx(statistics.mean(values), abs=1e-15)
    assert cell.sd == pytest.approx(statistics.stdev(values), abs=1e-15)
    assert cell.seeds == 7


def test_one_seed_has_no_deviation_and_neither_has_a_deterministic_method():
    assert over_seeds(numbers(0.3))[:3] == (0.3, None, 1)
    assert over_seeds(numbers(0.3, 0.3), deterministic=True)[:3] == (0.3, None, 2)
    assert over_seeds(numbers(0.3, 0.5)).sd is not None


def test_undefined_seeds_and_cases_are_counted_not_averaged():
    cell = over_seeds([Number(0.4, 34, 2, "empty_brain"), Number(None, 0, 36, "no_tune")])
    assert cell[:6] == (0.4, None, 1, 0, 36, "empty_brain no_tune")
    assert over_seeds([Number(None, 0, 36, "no_tune")]).mean is None


def test_rank_is_by_the_primary_metric_and_ties_share_it(make_run):
    scores = {"c": 0.2, "a": 0.2, "d": 0.1, "b": 0.3}
    (table,) = tables(make_run(m, values={"ap.pooled": v, "auroc.pooled": 1 - v}) for m, v in scores.items())
    assert ranks(table) == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]


@pytest.mark.parametrize("part", ["protocol", "fingerprint", "train"])
def test_runs_that_differ_in_the_protocol_never_share_a_ranking(make_run, part):
    first, second = tables(
        [make_run(), replace(make_run("vae", 0, values={"ap.pooled": 1.0}), **{part: "z"})]
    )
    assert [row.rank for row in (*first.rows, *second.rows)] == [1, 1]
    assert (first.apart == "") != (second.apart == "")


@pytest.mark.parametrize("part", ["test_ids", "fit_ids", "options"])
def test_runs_on_other_cases_never_share_a_ranking(make_run, part):
    run = make_run()
    other = replace(run, method="vae", tested={"phantom": replace(run.tested["phantom"], **{part: "z"})})
    assert [len(table.rows) for table in tables([run, other])] == [1, 1]


def test_other_parameters_are_another_row_named_by_what_differs(make_run):
    settings = [{"steps": 50, "lr": 0.1}, {"steps": 100, "lr": 0.1}]
    (table,) = tables(make_run(seed=s, settings=one) for one in settings for s in range(3))
    assert sorted((row.label, row.done) for row in table.rows) == [
        ("ae [steps=100]", 3),
        ("ae [steps=50]", 3),
    ]


def test_a_run_repeated_elsewhere_is_no_second_seed(make_run):
    run = make_run()
    (table,) = tables([run, replace(run, name="elsewhere/seed0"), replace(run, name="a", state="running")])
    assert (table.rows[0].done, table.rows[0].begun, table.rows[0].failures) == (1, 1, ())


def test_a_failed_seed_is_told_and_the_row_loses_its_rank(make_run):
    runs = [make_run("vae", s, values={"ap.pooled": 0.9}) for s in range(4)]
    runs += [make_run("vae", 4, state="failed", error="loss is not finite"), make_run("ae")]
    (table,) = tables(runs)
    assert ranks(table) == [("ae", 1), ("vae", None)]
    assert (table.rows[1].done, table.rows[1].begun) == (4, 5)
    assert table.rows[1].failures == ("vae seed 4: failed: loss is not finite",)
    assert table.rows[1].cells[AP].mean == pytest.approx(0.9)


def test_a_method_whose_every_seed_failed_is_listed(make_run):
    (table,) = tables([make_run("vae", 0, state="failed"), make_run("ae")])
    assert ranks(table) == [("ae", 1), ("vae", None)]


def test_a_row_without_the_primary_metric_in_some_seed_is_not_ranked(make_run):
    (table,) = tables([make_run(seed=0), make_run(seed=1, values={"ap.pooled": None})])
    assert table.rows[0].rank is None


def test_null_rows_stand_first_and_never_rank(make_run):
    runs = [make_run("random", null=True, values={"ap.pooled": 0.9}), make_run("ae")]
    assert ranks(tables(runs)[0]) == [("random", None), ("ae", 1)]


def test_an_oracle_never_ranks(make_run):
    with pytest.raises(UsageError, match="dice@oracle_case"):
        tables([make_run(primary="dice@oracle_case")])


@pytest.mark.parametrize(
    ("primary", "more", "said"),
    [("sens_fpr05.case", {"oracle": True}, "test labels"), ("hd95@tune", {"lower": True}, "lower value is better"),
     ("raw:ap.case", {}, "before they are clean")],
)  # fmt: skip
def test_a_primary_that_cannot_rank_is_refused_in_one_line(make_run, primary, more, said):
    run = make_run(primary=primary)
    run.tested["phantom"].numbers["all", primary] = Number(0.2, 36, 0, **more)
    with pytest.raises(UsageError, match=said) as error:
        tables([run])
    assert primary in str(error.value) and "\n" not in str(error.value)


def test_clean_up_steps_are_known_in_the_order_of_the_file(make_run):
    steps = {f"{stage}:ap.pooled": 0.1 for stage in ("raw", "median", "erode", "median#2")}
    (table,) = tables([make_run(values={"ap.pooled": 0.2} | steps)])
    assert table.stages == ("raw", "median", "erode", "median#2")


def test_the_order_of_runs_means_nothing(make_run):
    runs = [
        make_run(m, s, values={"ap.pooled": s / 7}, settings={"k": k})
        for m in "abc" for s in range(3) for k in (1, 2)
    ]  # fmt: skip
    shuffled = random.Random(1).sample(runs, len(runs))
    assert tables(runs) == tables(shuffled)


def test_prevalence_and_lesion_kinds_are_found(make_run):
    values = {"ap.pooled": 0.2, ("ms", "ap.pooled"): 0.1, ("ms", "prevalence.pooled"): 0.003}
    (table,) = tables([make_run(values=values)])
    assert table.groups == ["ms"]
    assert (table.prevalence("ms", "pooled"), table.prevalence("all", "pooled")) == (0.003, None)
