"""The figures: what they show, that names are harmless in them, and that equal tables give equal bytes."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from tests.helpers import handmade
from uad_bench.evaluate.curves.curve import Curve
from uad_bench.figures import dice_curve, ranks, scores
from uad_bench.figures.leaderboard_figures import draw_tables
from uad_bench.figures.style import look, looks, slug
from uad_bench.leaderboard.statistic_types import Critical
from uad_bench.leaderboard.table import Cell

EVIL = ["<script>alert(1)</script>", "$\\frac{a", "../../x", "a\u202eb", "-->", "_hidden"]


@pytest.fixture(scope="module")
def table():
    return handmade.table()


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    lesion = rng.random(20_000) < 0.05
    return Curve.of((rng.normal(size=lesion.size) + 2 * lesion).astype(np.float32), lesion)


def words(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_equal_tables_give_equal_files_and_all_can_be_read(table, tmp_path, monkeypatch):
    first = draw_tables([table], tmp_path / "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    second = draw_tables([table], tmp_path / "2")
    assert [path.name for path in first] == [path.name for path in second]
    assert {path.stem.rpartition("-")[2] for path in first} == {
        "forest",
        "sizes",
        "paired",
        "ranks",
        "critical",
    }
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert one.suffix == ".svg" or imread(one).std() > 0.02


def test_names_are_no_formula_no_markup_and_no_path(tmp_path):
    rows = [handmade.row(name, 0.3 + i / 50, i % 4 + 1) for i, name in enumerate(EVIL)]
    critical = Critical(
        "ap", 9, tuple((name, i + 1.0) for i, name in enumerate(EVIL)), 1.0, 0.5, (tuple(EVIL[:2]),)
    )
    written = draw_tables([handmade.table(rows, test=EVIL[2], protocol=EVIL[0], critical=critical)], tmp_path)
    assert {path.parent for path in written} == {tmp_path} and len(written) == 10
    for path in written:
        if path.suffix == ".svg":
            tags = {element.tag for element in ET.parse(path).iter()}
            assert not [tag for tag in tags if tag.endswith("script")]
            assert "<!--" not in path.read_text().replace("<!-- ", "")


def test_a_table_without_numbers_has_fewer_figures(tmp_path):
    bare = handmade.table(handmade.bare_rows(), primary="ap.pooled")
    assert [path.name for path in draw_tables([bare], tmp_path)] == [
        "01-uad-1mm-mslub-forest.png", "01-uad-1mm-mslub-forest.svg"
    ]  # fmt: skip


def test_a_method_looks_the_same_in_all_figures_and_like_no_other(table):
    assert len({look(index) for index in range(84)}) == 84
    found = looks(table)
    assert found["patch2loc:conv"] == look(0)
    assert {look.color for label, look in found.items() if label in {"random", "atlas-z"}} == {"#767676"}


def test_the_forest_has_an_interval_a_row_and_the_prevalence(table):
    (axes,) = scores.forest(table).axes
    assert words(axes) == [row.label for row in table.rows]
    assert len(axes.collections) == len(table.rows)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["prevalence 0.0210"]


def test_recall_is_drawn_from_small_to_large_lesions(table):
    (axes,) = scores.sizes(table).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        "< 10",
        "10 to 100",
        "100 to 1000",
        "≥ 1000",
    ]
    drawn = {line.get_label().strip(): line.get_ydata() for line in axes.lines}
    assert drawn["patch2loc:conv"] == pytest.approx([0.21, 0.42, 0.63, 0.84])


def test_of_several_rules_none_is_an_oracle_and_pooled_is_preferred():
    names = [
        "detect_size_lt10@healthy_q98",
        "detect_size_lt10.pooled@healthy_q98",
        "detect_size_lt10@oracle_set",
    ]
    row = handmade.row("ae", 0.3, cells={("all", name): Cell(0.5, None, 1, 9, 0) for name in names})
    assert scores.size_metrics(handmade.table([row])) == ("healthy_q98", {"lt10": names[1]})


def test_cases_are_paired_by_name_and_undefined_ones_left_out(table):
    row = replace(table.rows[2], values={"b": 0.2, "a": 0.1, "c": None, "x": 1.0})
    other = replace(table.rows[3], values={"a": 0.3, "b": 0.4, "c": 0.5})
    assert scores.pairs_of(row, other) == ([0.3, 0.4], [0.1, 0.2])


def test_each_method_is_compared_with_the_leader_and_the_baseline(table):
    panels = scores.paired(table).axes[:7]
    said = {axes.get_title(): [t.get_text() for t in axes.get_legend().get_texts()] for axes in panels}
    assert [line.split(":")[0] for line in said["ae"]] == ["better than patch2loc", "better than atlas-z"]
    assert len(said["atlas-z"]) == len(said["patch2loc:conv"]) == 1


def test_a_leader_that_is_the_baseline_is_compared_with_once():
    rows = [handmade.row("ae", 0.4, 1, to_baseline=None), handmade.row("vae", 0.3, 2)]
    rows[1] = replace(rows[1], to_baseline=rows[1].to_baseline._replace(other="ae"))
    found = handmade.table(rows, primary="ap.pooled")
    assert scores.rivals(found) == (rows[0], None)
    figure = scores.paired(found)
    assert figure.get_suptitle().endswith("\nap of each case")
    assert len(figure.axes[0].get_legend().get_texts()) == 1
    assert figure.axes[0].get_xlim() == figure.axes[0].get_ylim()


def test_rank_intervals_have_letters_and_the_share_of_first_places(table):
    (axes,) = ranks.ranks(table).axes
    assert words(axes) == ["patch2loc:conv", "thresh", "ae", "vae"]
    assert [text.get_text() for text in axes.texts][:2] == ["a  first in 80%", "a  first in 40%"]


def test_the_critical_difference_joins_cliques(table):
    (axes,) = ranks.critical(table).axes
    bars = [found for found in axes.collections if found.get_linewidth()[0] == 4]
    assert len(bars) == 1
    (ends,) = bars[0].get_segments()
    assert [ends[0][0], ends[1][0]] == pytest.approx([1.47, 2.53])
    assert "critical difference 1.20" in [text.get_text() for text in axes.texts]


def test_dice_is_drawn_with_a_mark_at_each_rule(curve, tmp_path):
    best, at = curve.best_dice()
    (axes,) = dice_curve.dice(curve, {"tune": 1.0, "oracle_set": at, "never": np.inf}).axes
    assert max(axes.lines[0].get_ydata()) == best
    marks = {line.get_label().split(":")[0]: line.get_xydata()[0] for line in axes.lines[1:]}
    assert marks["oracle_set†"] == pytest.approx([at, best])
    assert "never" not in marks
    assert marks["tune"] == pytest.approx([1.0, curve.dice_at(1.0)])
    dice_curve.draw_dice(tmp_path / "dice.png", curve, {"tune": 1.0})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dice.png", "dice.svg"]


def test_dice_points_are_few_and_true(curve):
    at, values = dice_curve.dice_points(curve)
    assert at.size <= 760 and np.all(np.diff(at) > 0)
    assert values[::50] == pytest.approx([curve.dice_at(float(t)) for t in at[::50]])


def test_nothing_found_is_no_picture(tmp_path):
    empty = Curve.of(np.zeros(3, np.float32), np.zeros(3, bool))
    dice_curve.draw_dice(tmp_path / "dice.png", empty, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "wanted"), [("../x", "x"), ("a|b", "a-b"), ("", "x"), ("..", "x"), ("é", "x")]
)
def test_a_file_is_named_by_plain_letters(name, wanted):
    assert slug(name) == wanted
