"""Plots of ranks: intervals, letters, critical differences."""

from dataclasses import replace

import pytest

from tests.helpers import handmade
from uad_bench.figures.tables.ranks import critical_difference_plot, rank_plot


@pytest.fixture(scope="module")
def table():
    return handmade.table()


def test_ranks_have_intervals_letters_and_the_share_of_first_places(table):
    (axes,) = rank_plot(table).axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["patch2loc:conv", "thresh", "ae", "vae"]
    assert [text.get_text() for text in axes.texts][:2] == ["a  first in 80%", "a  first in 40%"]
    segments = [found.get_segments()[0] for found in axes.collections]
    assert [(start[0], end[0]) for start, end in segments] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert [line.get_xdata()[0] for line in axes.lines] == [1, 2, 3, 4]


def test_the_critical_difference_and_its_cliques_are_drawn(table):
    (axes,) = critical_difference_plot(table).axes
    bars = [found for found in axes.collections if found.get_linewidth()[0] == 4]
    assert len(bars) == 1
    (ends,) = bars[0].get_segments()
    assert [ends[0][0], ends[1][0]] == pytest.approx([1.47, 2.53])
    texts = [text.get_text() for text in axes.texts]
    assert "critical difference 1.20" in texts and "thresh  2.00 " in texts and " 4.00  vae" in texts
    assert axes.get_figure().get_suptitle().endswith("over 28 patients (1 is best), Friedman p <0.001")


def test_without_statistics_there_are_no_plots(table):
    bare = handmade.table(handmade.bare_rows(), primary="ap.pooled")
    assert rank_plot(bare) is None and critical_difference_plot(bare) is None
    undefined = replace(table, critical=handmade.CRITICAL._replace(difference=None))
    assert critical_difference_plot(undefined) is None
