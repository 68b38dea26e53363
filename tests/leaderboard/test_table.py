"""Properties of tables and rows."""

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.table import Cell


def test_subgroups_are_lesion_kinds_and_strata():
    table = handmade.table()
    assert table.lesion_kinds == ["ms", "tumour"]
    assert table.strata == ["sex=F", "site=HH", "site=IOP"]


def test_prevalence_is_that_of_any_row_that_has_it():
    table = handmade.table()
    assert (table.prevalence("all", "case"), table.prevalence("all", "pooled")) == (0.021, 0.03)
    assert table.prevalence("ms", "case") is None


def test_flags_of_a_metric_are_those_of_its_values_or_of_its_name():
    cells = {("all", "sens_fpr05"): Cell(0.1, None, 1, 1, 0, oracle=True),
             ("all", "hd95"): Cell(9.0, None, 1, 1, 0, lower=True)}  # fmt: skip
    table = handmade.table([handmade.row("ae", 0.3, cells=cells)])
    assert [table.oracle(name) for name in ("sens_fpr05", "hd95", "dice@oracle_set")] == [True, False, True]
    assert [table.lower(name) for name in ("sens_fpr05", "hd95")] == [False, True]


@pytest.mark.parametrize(
    ("marks", "leaky"), [((), False), (("roles from a split",), False), (("leak L1: x",), True)]
)
def test_a_row_with_an_allowed_leak_is_leaky(marks, leaky):
    assert handmade.row("ae", 0.3, marks=marks).leaky == leaky


def test_a_row_is_complete_with_all_started_seeds_and_has_means_by_name():
    row = handmade.row("ae", 0.3, done=4, started=5)
    assert not row.complete and handmade.row("ae", 0.3).complete
    assert row.mean(("all", "ap.case")) == 0.3 and row.mean(("all", "unknown")) is None
