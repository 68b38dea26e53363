"""The page of the leaderboard in a browser, from file://: sorted, columns chosen, accessible, as wide as the screen."""

import csv
import io

import numpy as np
import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.render.html import html_page
from uad_bench.results.training_log import LoggedSeries, TrainingLog

#: Every width and both colour schemes; `-m slow` adds the other combinations.
SIZES = [
    *((1600, "light"), (1024, "dark"), (420, "light")),
    *(
        pytest.param(*size, marks=pytest.mark.slow)
        for size in ((1600, "dark"), (1024, "light"), (420, "dark"))
    ),
]
RANKED = ["patch2loc:conv", "thresh", "ae", "vae"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    names = "patch2loc:conv-25d-usual (version 1)", "a-method:with-a-rather-long-variant-name"
    long = [
        handmade.row(name, 0.4 - 0.1 * n, n + 1, models=("d95cfe7f9179",)) for n, name in enumerate(names)
    ]
    tables = [
        handmade.table(),
        handmade.table([handmade.control("random", 0.02), *long], test="toy"),
        handmade.table(handmade.bare_rows(), test="bare", primary="ap.pooled"),
    ]
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(html_page(tables), encoding="utf-8")
    return path


def methods(page):
    """The rows of the first table that are shown, in their order."""
    names = page.locator("table.main").first.locator("tbody tr:visible th bdi").all_inner_texts()
    return [name for name in names if "Author" not in name]


def test_i17_a_press_on_a_heading_sorts_and_a_second_one_reverses(visit, file):
    page = visit(file)
    heading = page.get_by_role("button", name="AP per case").first
    heading.click()
    assert methods(page)[:4] == RANKED
    assert "Sorted by AP per case, highest first" in page.get_by_role("status").inner_text()
    heading.focus()
    page.keyboard.press("Enter")
    assert [name for name in methods(page) if name in RANKED] == RANKED[::-1]
    assert "sort=ap.case" in page.url and page.errors == []


def test_i17_the_chooser_shows_and_hides_columns(visit, file):
    page = visit(file)
    shown = page.locator("table.main").first.locator("thead th:visible")
    assert shown.count() == 9  # the eight columns, and the drawing of the interval
    page.get_by_text("columns", exact=True).click()
    page.get_by_role("checkbox", name="AUROC").check()
    page.get_by_label("seeds", exact=True).uncheck()
    assert any("AUROC" in text for text in shown.all_inner_texts())
    assert "seeds" not in shown.all_inner_texts()
    again = visit(file, fragment=page.url.partition("#")[2])
    assert (
        again.locator("table.main").first.locator("thead th:visible").all_inner_texts()
        == shown.all_inner_texts()
    )


def test_i17_the_csv_of_the_shown_columns_is_that_of_the_table(visit, file):
    page = visit(file)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV of the shown columns").first.click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert {len(row) for row in rows} == {8}
    assert [row[1] for row in rows if row[1] in RANKED] == RANKED


def test_i17_the_link_to_training_curves_shows_a_ranking_that_a_filter_hides(visit, tmp_path):
    logs = (
        TrainingLog(
            "ae", "seed 0", {("fit", "loss"): LoggedSeries(np.arange(3.0), np.array([3.0, 2.0, 1.0]))}
        ),
    )
    tables = [handmade.table([handmade.row("ae", 0.4)], test=test) for test in ("one", "two")]
    page_file = tmp_path / "index.html"
    page_file.write_text(
        html_page(tables, training={table.key: {"ae": logs} for table in tables}), encoding="utf-8"
    )
    page = visit(page_file)
    (chart,) = page.get_by_role("img", name="Training curve (fit): loss", include_hidden=True).all()
    first, second = page.locator("section.ranking").all()
    page.locator("#dataset").select_option(second.get_attribute("data-dataset"))
    assert not first.is_visible()
    second.get_by_text("methods: parameters", exact=False).click()
    second.locator("details.method summary").click()
    second.get_by_role("link", name="training curves").click()
    chart.wait_for(state="visible")
    assert page.errors == []


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_i17_no_table_is_wider_than_the_screen_and_axe_finds_no_fault(
    visit, file, accessibility_faults, width, scheme, tmp_path
):
    page = visit(file, width, scheme)
    wide = "[...document.querySelectorAll('.scroll:has(.main)')].filter((e) => e.scrollWidth > e.clientWidth).length"
    assert page.evaluate(wide) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert accessibility_faults(page) == []
    assert len(page.screenshot(path=tmp_path / f"page-{width}-{scheme}.png")) > 20_000
    assert page.errors == [] and all(url.startswith("file://") for url in page.requests)
