"""The viewer in a browser, from file://: a case is opened, the slider moved, Dice is that of the tables."""

import csv

import pytest

from tests.helpers import runs as toy_runs
from tests.helpers.toy_data import make
from uad_bench.cohort.discovery import Sources
from uad_bench.leaderboard.aggregate import tables
from uad_bench.leaderboard.collect import collect
from uad_bench.leaderboard.render.html import html_page
from uad_bench.pipeline.run_job import Workplace
from uad_bench.support.package_files import shipped
from uad_bench.viewer.write import write_viewer

#: `-m slow` adds the last one.
SIZES = [(1600, "light"), (1024, "dark"), (420, "light"), pytest.param(420, "dark", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A folder with the page of three toy runs and the viewer of their cases."""
    if not (shipped("web") / "niivue.js").is_file():
        pytest.skip("NiiVue is not fetched: run scripts/web.py")
    root = tmp_path_factory.mktemp("board")
    sources = Sources(root / "cache", {"toy_data": make(root / "data")})
    specs = toy_runs.matrix("thresh", "random", "atlas-z")
    done = toy_runs.execute(specs, Workplace(root / "runs", sources, threads=1))
    collected = collect(done)
    found = tables(collected.runs)
    written = write_viewer(found, collected, 3, root / "viewer", sources)
    links = {
        key: {case: f"viewer/index.html{end}" for case, end in of.items()}
        for key, of in written.links.items()
    }
    (root / "index.html").write_text(html_page(found, links), encoding="utf-8")
    return root


@pytest.fixture
def opened(visit, board):
    """opened(width, scheme, fragment) -> the viewer when its first case is drawn."""

    def opened(width=1024, scheme="light", fragment=""):
        page = visit(board / "viewer" / "index.html", width, scheme, fragment)
        page.wait_for_selector("body[data-ready]")
        return page

    return opened


def dice_of_tables(board, method, case, metric):
    """Dice of a case in cases.csv of the run of a method."""
    (path,) = (board / "runs").glob(f"*/{method}/*/cases.csv")
    rows = csv.DictReader(path.read_text().splitlines())
    return next(float(row["value"]) for row in rows if (row["case_id"], row["metric"]) == (case, metric))


def test_i17_a_case_is_opened_from_the_page_of_the_leaderboard(visit, board):
    page = visit(board / "index.html")
    links = page.locator("p:has-text('Maps of cases') a")
    assert links.count() == 3
    case = links.nth(2).inner_text()
    links.nth(2).click()
    page.wait_for_selector("body[data-ready='0/2']")
    assert case in page.locator("#case option:checked").inner_text()
    assert page.locator("#case option").all_inner_texts()[0].startswith("worst: ")


def test_i17_the_slider_gives_the_dice_of_the_tables_at_every_rule(opened, board):
    page = opened()
    case = page.locator("#case option:checked").inner_text().split(": ")[1].split(",")[0]
    method = page.locator("#name-a").inner_text().split(": ")[1].split(",")[0]
    buttons = page.locator("#rules-a button")
    assert buttons.count() == 4
    for text in buttons.all_inner_texts():
        page.get_by_role("button", name=text).first.click()
        rule = text.split()[0].rstrip("†")
        expected = dice_of_tables(board, method, case, f"dice@{rule}")
        assert f"Dice {expected:.3f};" in page.locator("#dice-a").inner_text()
        assert f"table {expected:.3f}" in text


def test_i17_a_move_of_the_slider_changes_dice_and_picture(opened):
    page = opened()
    before = page.locator("#canvas").screenshot()
    slider = page.locator("#threshold-a")
    slider.fill("1")
    assert slider.get_attribute("aria-valuetext").startswith("threshold ")
    called = page.locator("#dice-a").inner_text()
    slider.focus()
    page.keyboard.press("End")
    assert page.locator("#dice-a").inner_text() != called
    assert page.locator("#canvas").screenshot() != before
    assert page.locator("canvas").count() == 1


def test_i17_the_crosshair_tells_values_and_both_views_follow(opened):
    page = opened()
    text = page.locator("#values").inner_text()
    assert "; lesion" in text and "image " in text and "; A " in text and "; B " in text
    box = page.locator("#canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.3)
    page.wait_for_function("(old) => document.querySelector('#values').textContent !== old", arg=text)
    assert page.evaluate(
        "scene.views.map((view) => [...view.scene.crosshairPos].join())[0]"
    ) == page.evaluate("scene.views.map((view) => [...view.scene.crosshairPos].join())[1]")


def test_i17_methods_are_blinked_and_the_address_keeps_what_is_shown(opened):
    page = opened(fragment="case=0/1&a=1&b=2&mode=blink&slices=0")
    names = {page.locator("#names span").first.inner_text()}
    page.wait_for_function(
        "(old) => document.querySelector('#names span').textContent !== old", arg=next(iter(names))
    )
    names.add(page.locator("#names span").first.inner_text())
    assert {name[:2] for name in names} == {"A:", "B:"}
    page.select_option("#mode", "side")
    page.wait_for_selector("body[data-ready]")
    assert page.url.endswith("#case=0/1&a=1&b=2&mode=side&slices=0")


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_i17_the_viewer_is_accessible_and_asks_for_files_only(
    opened, accessibility_faults, tmp_path, width, scheme
):
    page = opened(width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert accessibility_faults(page) == []
    assert len(page.screenshot(path=tmp_path / f"viewer-{width}-{scheme}.png", full_page=True)) > 20_000
    assert page.errors == [] and all(url.startswith(("file://", "data:", "blob:")) for url in page.requests)


def test_i17_the_shell_and_a_case_are_small(board):
    shell = sum(path.stat().st_size for path in (board / "viewer").iterdir() if path.is_file())
    assert shell <= 3_000_000 and (board / "viewer" / "NIIVUE_LICENSE.txt").is_file()
    cases = [folder for folder in (board / "viewer" / "cases" / "0").iterdir()]
    assert len(cases) == 3
    for case in cases:  # an image and two maps are loaded at once
        assert 0 < sum(sorted(path.stat().st_size for path in case.iterdir())[-3:]) <= 1_000_000


@pytest.mark.parametrize(
    "words",
    [
        "a=99&b=x",
        "a=NaN&b=Infinity",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("a=-1&b=1.5", "a=&b=")),
    ],
)
def test_i17_an_address_without_a_known_method_shows_the_leader_and_the_next(opened, words):
    page = opened(fragment=f"case=0/0&{words}")
    leader = page.evaluate("setNow().leader")
    assert page.evaluate("[state.a, state.b]") == [leader, (leader + 1) % 3]
    assert page.errors == [] and page.locator("#status").inner_text() == ""


def test_i17_the_page_says_by_which_method_and_metric_cases_are_chosen(opened):
    page = opened()
    leader = page.evaluate("setNow().methods[setNow().leader].label")
    about = page.locator("#about").inner_text()
    assert f"from worst to best of {leader}, a method without a rank" in about  # few patients: no ranks
    assert ", ap 0." in page.locator("#case option:checked").inner_text()
