"""Columns without a metric: what they show and when they exist."""

from dataclasses import replace

from tests.helpers import handmade
from uad_bench.leaderboard.layout import columns
from uad_bench.leaderboard.run_summary import Cost
from uad_bench.leaderboard.statistic_types import Contrast, Scheme


def texts(found):
    return [column.heading.text for column in found]


def test_the_rank_column_has_letters_next_to_it_where_there_are_any():
    full, bare = handmade.table(), handmade.table(handmade.bare_rows(), primary="ap.pooled")
    assert texts(columns.rank_columns(full)) == ["rank", "group"]
    assert texts(columns.rank_columns(bare)) == ["rank"]
    row = full.rows[2]
    assert (
        columns.bare_rank_column().text(row) == "1" and columns.rank_columns(full)[0].text(row) == "1 [1–2]"
    )
    assert columns.bare_rank_column().value(row) == 1


def test_the_method_columns_are_sorted_by_numbers_of_seeds_and_cases():
    table = handmade.table()
    method, seeds, cases = columns.method_columns(table)
    row = table.rows[2]
    assert (method.text(row), method.value, method.chance_text) == (row.label, None, "prevalence")
    assert (seeds.value(row), cases.value(row)) == (5, 28)
    assert cases.value(replace(row, cells={})) is None


def test_differences_have_a_column_where_any_row_has_one():
    table = handmade.table()
    best, baseline = columns.contrast_columns(table)
    ae = next(row for row in table.rows if row.label == "ae")
    assert (best.heading.key, best.value(ae)) == ("delta_best", ae.to_best.difference)
    assert (baseline.heading.key, baseline.value(ae)) == ("delta_baseline", ae.to_baseline.difference)
    rows = [replace(row, to_best=None) for row in table.rows]
    assert texts(columns.contrast_columns(replace(table, rows=rows))) == [
        "Δ to baseline [pointwise 95 %], Holm p"
    ]


def test_f18_the_level_of_the_table_heads_intervals_and_marks_equivalence():
    contrast = Contrast("b", "ap", 30, 0.01, -0.01, 0.02, 0.5, 1.0, 0.5, 0.5, 0.08)
    rows = [handmade.row("ae", 0.3, to_best=contrast, to_baseline=None)]
    for alpha, percent, equal in ((0.05, "95 %", False), (0.1, "90 %", True)):
        (column,) = columns.contrast_columns(handmade.table(rows, scheme=Scheme(alpha=alpha)))
        assert column.heading.text == f"Δ to best [pointwise {percent}], Holm p"
        assert column.text(rows[0]).endswith("≈") == equal


def test_f5_the_strongest_reference_has_a_column_and_the_baseline_one_where_it_is_another_row():
    rows = [handmade.row("ae", 0.3), handmade.row("vae", 0.2, 2)]
    same = [replace(row, to_best=None, to_reference=row.to_baseline) for row in rows]
    assert [c.heading.key for c in columns.contrast_columns(handmade.table(same))] == ["delta_reference"]
    other = [replace(row, to_reference=row.to_baseline._replace(other="all-brain")) for row in rows]
    keys = [c.heading.key for c in columns.contrast_columns(handmade.table(other))]
    assert keys == ["delta_best", "delta_reference", "delta_baseline"]


def test_only_recorded_costs_have_a_column_and_lower_ones_are_better():
    row = handmade.row("ae", 0.3, cost=Cost(parameters=0, score_s=0.5, peak_mib=2048))
    found = columns.cost_columns(handmade.table([row]))
    assert {c.heading.key: (c.text(row), c.value(row)) for c in found} == {
        "score_s": ("0.5", 0.5), "peak_gib": ("2", 2.0), "parameters": ("0", 0),
    }  # fmt: skip
    assert all(column.heading.lower for column in found)


def test_reported_results_have_columns_where_any_row_has_them():
    table = handmade.table()
    ae = next(row for row in table.rows if row.label == "ae")
    assert [column.text(ae) for column in columns.reported_columns(table)] == [
        "measured, reported", "0.057 ± 0.008", "0.097 ± 0.010",
    ]  # fmt: skip
    assert columns.reported_columns(handmade.table(handmade.bare_rows())) == []
