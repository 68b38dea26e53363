"""Which metrics a table shows, and how their values are written."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.evaluate.metrics.declarations.table import METRICS
from uad_bench.leaderboard.layout import metric_columns, notes
from uad_bench.leaderboard.layout.metric_columns import ShownMetric
from uad_bench.leaderboard.layout.text_grid import full_grid
from uad_bench.leaderboard.table import Cell


def shown(names, primary="ap.case"):
    cells = {
        (("healthy" if name.startswith("fpr") else "all"), name): Cell(0.3, None, 1, 30, 0) for name in names
    }
    table = handmade.table([handmade.row("ae", 0.3, cells=cells)], primary=primary)
    return [metric.name[1] for metric in metric_columns.shown_metrics(table)]


def test_the_primary_metric_comes_first_and_oracles_after_other_thresholds():
    names = ["auroc.pooled", "dice@oracle_set", "dice@healthy_q98", "dice@tune", "ap.case", "fpr@healthy_q98"]
    assert shown(names, "dice@healthy_q98") == [
        "dice@healthy_q98", "ap.case", "auroc.pooled", "dice@tune", "dice@oracle_set", "fpr@healthy_q98",
    ]  # fmt: skip
    assert shown(["my_metric.case", "ap.case"], "my_metric.case") == ["my_metric.case", "ap.case"]


@pytest.mark.parametrize(("primary", "gain"), [("ap.pooled", "ap_gain.pooled"), ("ap.case", "ap_gain.case")])
def test_the_gain_is_the_one_that_matches_the_primary_metric(primary, gain):
    assert shown([primary, "ap_gain.pooled", "ap_gain.case"], primary) == [primary, gain]


def test_f17_bins_of_lesions_are_headed_and_ordered_as_they_are_declared():
    names = [
        f"{name}{form}@{rule}"
        for name in sorted(METRICS) if name.startswith("detect_")
        for form in ("", ".pooled") for rule in ("healthy_q98", "aaa", "oracle_set")
    ]  # fmt: skip
    cells = {("all", name): Cell(0.3, None, 1, 30, 0) for name in names}
    rule, found = metric_columns.detection_metrics(handmade.table([handmade.row("ae", 0.3, cells=cells)]))
    assert rule == "healthy_q98"
    assert {trait: [one.heading for one in shown] for trait, shown in found.items()} == {
        "size": ["< 10 mm³", "10 to 100 mm³", "100 to 1000 mm³", "≥ 1000 mm³"],
        "contrast": ["dark", "iso", "bright"],
        "depth": ["< 10 mm", "≥ 10 mm"],
        "side": ["left", "right"],
        "height": ["lower", "middle", "upper"],
    }
    assert [one.name[1] for one in found["contrast"]] == [
        f"detect_contrast_{name}.pooled@healthy_q98" for name in ("dark", "iso", "bright")
    ]


def test_one_lesion_f1_is_shown_preferably_by_iou_and_never_at_an_oracle():
    names = ["lesion_f1@healthy_q98", "lesion_f1_iou10@tune", "lesion_f1_iou10@oracle_set"]
    assert shown(["ap.case", *names]) == ["ap.case", "lesion_f1_iou10@tune"]
    assert shown(["ap.case", "lesion_f1@tune", "lesion_f1@healthy_q98"]) == [
        "ap.case",
        "lesion_f1@healthy_q98",
    ]


def test_f6_dice_at_an_oracle_threshold_is_not_the_best_possible_where_the_thresholded_map_is_changed():
    table = handmade.table()
    cleaned = replace(table, after_threshold=("drop_components",))
    headings = [[metric.heading for metric in metric_columns.shown_metrics(one)] for one in (table, cleaned)]
    assert "best possible Dice@oracle_set†" in headings[0] and "Dice@oracle_set†" in headings[1]
    assert any(
        "not the best possible Dice, since drop_components" in note
        for note in notes.notes(cleaned, [full_grid(cleaned)])
    )


def test_declared_flags_make_an_oracle_and_reverse_the_order():
    def row(label, rank, value):
        cell = Cell(value, None, 5, 30, 0)
        cells = {("all", "ap.case"): cell, ("all", "dice@q"): cell._replace(oracle=True),
                 ("all", "lesion_f1@q"): cell._replace(lower=True)}  # fmt: skip
        return handmade.row(label, value, rank, cells=cells, rank_statistics=None)

    table = handmade.table([row("a", 1, 0.4), row("b", 2, 0.3)])
    found = [metric_columns.metric_column(table, metric) for metric in metric_columns.shown_metrics(table)]
    by_text = {column.heading.text: column for column in found}
    assert by_text["Dice@q†"].heading.oracle and by_text["Dice@q†"].best == frozenset()
    assert by_text["lesion F1@q"].heading.lower and by_text["lesion F1@q"].best == {"b"}
    assert by_text["AP per case"].best == {"a"}


def test_equal_values_at_the_printed_digits_are_all_best_and_unranked_rows_never_are():
    values = {"a": (0.3001, 1), "b": (0.3004, 2), "random": (0.9, None)}
    rows = [handmade.row(name, mean, rank) for name, (mean, rank) in values.items()]
    column = metric_columns.metric_column(handmade.table(rows), ShownMetric("AP", ("all", "ap.case")))
    assert column.best == {"a", "b"}


def test_a_subgroup_without_the_primary_metric_shows_average_precision():
    cells = {("all", "dice@tune"): Cell(0.3, None, 1, 1, 0), ("ms", "ap.pooled"): Cell(0.2, None, 1, 1, 0)}
    table = handmade.table([handmade.row("ae", 0.3, cells=cells)], primary="dice@tune")
    assert [m.name for m in metric_columns.subgroup_metrics(table, ["ms", "stroke"])] == [("ms", "ap.pooled")]


def test_a_value_in_three_forms():
    table = handmade.table()
    metric, row = metric_columns.shown_metrics(table)[0], table.rows[3]
    assert metric_columns.metric_column(table, metric).text(row) == "0.360 ± 0.012 (17.1×)"
    assert metric_columns.metric_column(table, metric, interval=True).text(row) == (
        "0.360 ± 0.012 [0.310, 0.410] (17.1×)"
    )
    assert metric_columns.short_column(table, metric).text(row) == "0.360"
    separate = metric_columns.separate_columns(table, metric)
    assert [column.text(row) for column in separate] == ["0.360 ± 0.012", "[0.310, 0.410]", "17.1"]


def test_an_incomplete_value_is_starred_in_short_and_explained_in_full():
    cells = {
        ("all", "ap.case"): Cell(0.3, None, 5, 30, 0),
        ("all", "auroc.pooled"): Cell(0.7, None, 3, 29, 1),
    }
    row = handmade.row("ae", 0.3, cells=cells)
    table, metric = handmade.table([row]), ShownMetric("AUROC", ("all", "auroc.pooled"))
    assert metric_columns.short_column(table, metric).text(row) == "0.700*"
    assert metric_columns.separate_columns(table, metric)[0].text(row) == "0.700*"
    assert metric_columns.metric_column(table, metric).text(row) == "0.700, 3 of 5 seeds, 1 undefined"
