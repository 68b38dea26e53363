"""Plots of values: forest plot, recall by lesion size, paired scatter plots."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.figures.figure_files import fixed_style
from uad_bench.figures.tables import scores
from uad_bench.figures.tables.cost import cost_plot
from uad_bench.figures.tables.ranks import rank_plot
from uad_bench.leaderboard.statistic_types import RankStatistics
from uad_bench.leaderboard.table import Cell


@pytest.fixture(scope="module")
def table():
    return handmade.table()


def test_the_forest_plot_has_an_interval_per_row_and_the_prevalence(table):
    (axes,) = scores.forest_plot(table).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [row.label for row in table.rows]
    ends = [tuple(point[0] for point in found.get_segments()[0]) for found in axes.collections]
    assert ends == [
        pytest.approx((r.cells["all", "ap.case"].low, r.cells["all", "ap.case"].high)) for r in table.rows
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["prevalence 0.0210"]
    hollow = [line.get_markerfacecolor() == "white" for line in axes.lines[:-1]]
    assert hollow == [row.null for row in table.rows]


def test_recall_is_drawn_from_small_to_large_lesions(table):
    (axes,) = scores.recall_by_size_plot(table).axes
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["< 10 mm³", "10 to 100 mm³", "100 to 1000 mm³", "≥ 1000 mm³"]
    drawn = {line.get_label().strip(): line.get_ydata() for line in axes.lines}
    assert drawn["patch2loc:conv"] == pytest.approx([0.21, 0.42, 0.63, 0.84])


def test_of_several_rules_and_forms_no_oracle_is_used_and_the_pooled_form_is_preferred():
    names = [
        "detect_size_lt10@healthy_q98",
        "detect_size_lt10.pooled@healthy_q98",
        "detect_size_lt10@oracle_set",
    ]
    row = handmade.row("ae", 0.3, cells={("all", name): Cell(0.5, None, 1, 9, 0) for name in names})
    assert scores.size_metrics(handmade.table([row])) == ("healthy_q98", {"< 10 mm³": names[1]})


def test_a_table_without_size_metrics_has_no_recall_plot():
    bare = handmade.table(handmade.bare_rows(), primary="ap.pooled")
    assert scores.size_metrics(bare) == ("", {}) and scores.recall_by_size_plot(bare) is None
    assert scores.paired_plot(bare) is None


def test_cases_are_paired_by_id_and_undefined_ones_are_skipped(table):
    row = replace(table.rows[2], values={"b": 0.2, "a": 0.1, "c": None, "x": 1.0})
    reference = replace(table.rows[3], values={"a": 0.3, "b": 0.4, "c": 0.5})
    assert scores.paired_values(row, reference) == ([0.3, 0.4], [0.1, 0.2])


def test_each_method_is_compared_with_the_best_row_and_the_baseline(table):
    plots = scores.paired_plot(table).axes[:7]
    legends = {axes.get_title(): [t.get_text() for t in axes.get_legend().get_texts()] for axes in plots}
    assert [line.split(":")[0] for line in legends["ae"]] == ["better than patch2loc", "better than atlas-z"]
    assert len(legends["atlas-z"]) == len(legends["patch2loc:conv"]) == 1
    ae = next(axes for axes in plots if axes.get_title() == "ae")
    rows = {row.label: row for row in table.rows}
    expected = scores.paired_values(rows["ae"], rows["patch2loc:conv"])
    assert ae.collections[0].get_offsets().T.tolist() == [expected.reference, expected.this]


def test_a_best_row_that_is_the_baseline_is_compared_with_once():
    rows = [handmade.row("ae", 0.4, 1, to_baseline=None), handmade.row("vae", 0.3, 2)]
    rows[1] = replace(rows[1], to_baseline=rows[1].to_baseline._replace(other="ae"))
    found = handmade.table(rows, primary="ap.pooled")
    assert scores.reference_rows(found) == (rows[0], None)
    figure = scores.paired_plot(found)
    assert figure.get_suptitle().endswith("\nap of each case")
    assert len(figure.axes[0].get_legend().get_texts()) == 1
    assert figure.axes[0].get_xlim() == figure.axes[0].get_ylim()


@pytest.fixture(scope="module")
def long_table():
    statistics = RankStatistics(1, 2, 0.1, "a", 1)
    rows = [
        replace(
            handmade.row(f"method-{n}:a-long-variant-name [steps={n}00]", 0.4, 1),
            rank=n,
            rank_statistics=statistics,
        )
        for n in range(1, 66)
    ]
    return handmade.table(rows)


@pytest.mark.parametrize(
    ("plot", "words"),
    [(scores.forest_plot, "the first 60 of 65 rows"), (scores.recall_by_size_plot, "the first 60 of 65 rows"),
     (scores.paired_plot, "the first 12 of 64 rows"), (rank_plot, "the first 60 of 65 rows")],
)  # fmt: skip
def test_a_figure_says_how_many_rows_it_does_not_show(plot, words, long_table, table):
    assert plot(long_table).get_suptitle().endswith(f"\n{words}")
    assert "the first" not in plot(table).get_suptitle()


@pytest.mark.parametrize("plot", [scores.recall_by_size_plot, cost_plot])
def test_the_legend_of_many_methods_is_inside_the_figure(plot, long_table):
    with fixed_style():
        figure = plot(long_table)
        figure.draw_without_rendering()
        (legend,) = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
        box = legend.get_window_extent()
    assert box.y0 >= 0 and box.y1 <= figure.bbox.height and box.x1 <= figure.bbox.width
