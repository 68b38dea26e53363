"""All figures of a leaderboard: names of files, hostile names, equal bytes."""

import xml.etree.ElementTree as ET

import pytest
from matplotlib.image import imread

from tests.helpers import handmade
from uad_bench.figures.leaderboard_figures import draw_tables
from uad_bench.leaderboard.statistic_types import CriticalDifference

HOSTILE = ["<script>alert(1)</script>", "$\\frac{a", "../../x", "a\u202eb", "-->", "_hidden"]


@pytest.fixture(scope="module")
def table():
    return handmade.table()


def test_equal_tables_give_equal_files_and_all_can_be_read(table, tmp_path, monkeypatch):
    first = draw_tables([table], tmp_path / "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    second = draw_tables([table], tmp_path / "2")
    assert [path.name for path in first] == [path.name for path in second]
    kinds = {path.stem.rpartition("-")[2] for path in first}
    assert kinds == {"forest", "sizes", "paired", "ranks", "critical", "cost"}
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert one.suffix == ".svg" or imread(one).std() > 0.02


def test_names_are_no_formula_no_markup_and_no_path(tmp_path):
    rows = [handmade.row(name, 0.3 + i / 50, i % 4 + 1) for i, name in enumerate(HOSTILE)]
    mean_ranks = tuple((name, i + 1.0) for i, name in enumerate(HOSTILE))
    critical = CriticalDifference("ap", 9, mean_ranks, 1.0, 0.5, (tuple(HOSTILE[:2]),))
    table = handmade.table(rows, test=HOSTILE[2], protocol=HOSTILE[0], critical=critical)
    written = draw_tables([table], tmp_path)
    assert {path.parent for path in written} == {tmp_path} and len(written) == 12
    for path in written:
        if path.suffix == ".svg":
            tags = {element.tag for element in ET.parse(path).iter()}
            assert not [tag for tag in tags if tag.endswith("script")]
            assert "<!--" not in path.read_text().replace("<!-- ", "")


def test_a_table_with_few_values_has_fewer_figures(tmp_path):
    bare = handmade.table(handmade.bare_rows(), primary="ap.pooled")
    assert [path.name for path in draw_tables([bare], tmp_path)] == [
        "01-uad-1mm-mslub-forest.png", "01-uad-1mm-mslub-forest.svg"
    ]  # fmt: skip
