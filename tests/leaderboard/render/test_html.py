"""The HTML page: self-contained, harmless, accessible, and sorted in a real browser if one is installed."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.helpers import handmade
from tests.helpers.hostile_names import HTML_NAMES
from uad_bench.leaderboard.render.escape import printable
from uad_bench.leaderboard.render.html import html_page
from uad_bench.results.training_log import LoggedSeries, TrainingLog

VOID = {"meta", "input", "line", "circle", "path", "br", "wbr"}


class Tags(HTMLParser):
    """The tags of a page with their attributes, the text of each, and whether every tag that opens is closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.texts = [], [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, wanted):
        return [attrs for tag, attrs in self.tags if tag == wanted]


@pytest.fixture(scope="module")
def tables():
    other = handmade.table(protocol="pddpm-2mm", not_comparable="protocol differs: uad-1mm against pddpm-2mm")
    return [handmade.table(), other, handmade.table(handmade.bare_rows(), test="toy", primary="ap.pooled")]


@pytest.fixture(scope="module")
def page(tables):
    return Tags(html_page(tables))


def hostile():
    rows = [handmade.row(name, 0.3, 1, paper=name, marks=(name,), failures=(name,)) for name in HTML_NAMES]
    return [handmade.table(rows, test=HTML_NAMES[0], protocol=HTML_NAMES[3], not_comparable=HTML_NAMES[0])]


def test_it_is_well_formed_and_self_contained(page):
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag in {"link", "iframe", "img", "object", "base"}]
    assert not [attrs for _, attrs in page.tags if {"src", "style", "onclick"} & set(attrs)]
    assert all(attrs["href"].startswith(("#table-", "https://doi.org/10.")) for attrs in page.all("a"))


def test_every_table_is_accessible_to_screen_readers(page):
    tables = page.all("table")
    assert len(page.texts["caption"]) == len(tables) == 2 * 6 + 1
    assert {attrs["scope"] for attrs in page.all("th")} == {"col", "row"}
    labelled = {attrs.get("for") for attrs in page.all("label")}
    assert labelled == {attrs["id"] for tag in ("select", "input") for attrs in page.all(tag)}
    assert [attrs["role"] for attrs in page.all("p") if attrs.get("aria-live")] == ["status"]
    assert all(attrs["tabindex"] == "0" for attrs in page.all("div") if attrs["class"] == "scroll")


def test_untrusted_text_is_shown_and_never_run():
    html = html_page(hostile())
    page = Tags(html)
    assert len(page.all("script")) == 1 and "{{" not in page.texts["script"][0]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert "\u202e" not in html and "\u200f" not in html
    shown = page.texts["bdi"]
    assert all(shown.count(printable(name)) >= 2 for name in HTML_NAMES)


def test_the_content_security_policy_allows_only_the_pages_own_script_and_style(page):
    (policy,) = [attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs]
    for tag in ("script", "style"):
        digest = hashlib.sha256("".join(page.texts[tag]).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_oracles_are_marked_and_no_table_is_sorted_by_one(page):
    heads = [attrs for attrs in page.all("th") if "@oracle" in attrs.get("data-key", "")]
    assert heads and all("oracle" in attrs["class"] for attrs in heads)
    assert not [attrs for attrs in page.all("th") if "aria-sort" in attrs]


def test_failures_reported_results_and_reasons_of_separate_tables_are_shown(page):
    text = " ".join(line for lines in page.texts.values() for line in lines)
    for words in (
        "gan seed 4: failed: loss is NaN",
        "a table of a paper",
        "protocol differs",
        "by site",
        "by sex",
    ):
        assert words in text


def test_strata_and_kinds_are_not_columns_of_the_main_table(page):
    keys = [attrs["data-key"] for attrs in page.all("th") if "data-key" in attrs]
    main = keys[: keys.index("reported_dice") + 1]
    assert not [key for key in main if ":" in key and key != "healthy:fpr@healthy_q98"]
    assert "site=HH:ap.case" in keys and "ms:ap.case" in keys


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--dump-dom"),
]


@pytest.fixture
def browse(tables, tmp_path):
    """browse("sort=ap.case") -> the page as a browser has it when its address ends so."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    (tmp_path / "page.html").write_text(html_page(tables), encoding="utf-8")

    def browse(fragment):
        address = f"file://{tmp_path}/page.html#{fragment}"
        command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path}/profile", address]
        return subprocess.run(command, capture_output=True, timeout=120, check=True, text=True).stdout

    return browse


def methods(html):
    """Those shown in the first table, in their order."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr (.*?)>.*?<bdi>(.*?)</bdi>", body, re.S)
    return [name for attributes, name in rows if "hidden" not in attributes]


def test_a_browser_sorts_by_a_metric_and_shows_the_order(browse):
    ranked = ["patch2loc:conv", "thresh", "ae", "vae", "atlas-z", "gan", "prevalence", "random"]
    down = browse("sort=ap.case")
    assert methods(down) == ranked
    assert (
        len(re.findall(r'<th [^>]*aria-sort="descending"', down)) == 2
    )  # the third table has no such column
    assert "Sorted by AP per case, highest first." in down
    up = browse("sort=ap.case&dir=asc")
    assert methods(up) == ["random", "prevalence", "atlas-z", "gan", *ranked[3::-1]]
    assert "lowest first" in up


def test_rows_without_a_value_are_last_in_both_directions(browse):
    for direction in ("asc", "desc"):
        assert methods(browse(f"sort=delta_best&dir={direction}"))[-4:] == [
            "random", "atlas-z", "patch2loc:conv", "gan"
        ]  # fmt: skip


def test_a_browser_filters_methods_but_never_controls(browse):
    html = browse("method=PATCH&protocol=uad-1mm&theme=dark")
    assert methods(html) == ["prevalence", "random", "atlas-z", "patch2loc:conv"]
    assert 'data-theme="dark"' in html
    assert (
        len(re.findall(r'<section class="ranking"[^>]*hidden', html))
        == len(re.findall(r"<li hidden", html))
        == 1
    )
    assert "in 2 of 3 tables" in html


def test_a_single_metric_is_shown_with_the_columns_that_identify_the_rows(browse):
    html = browse("metric=dice@tune")
    head = html[html.index("<thead>") : html.index("</thead>")]
    shown = re.findall(r'<th (?:(?!hidden)[^>])*data-key="([^"]+)"(?:(?!hidden)[^>])*>', head)
    assert "dice@tune" in shown and "ap.case" not in shown and "method" in shown
    assert "in 2 of 3 tables" in html


SHORT = [
    "rank",
    "method",
    "seeds",
    "ap.case",
    "dice@healthy_q98",
    "healthy:fpr@healthy_q98",
    "delta_best",
    "score_s",
]


def shown_columns(html):
    """The keys of the columns that the first table shows."""
    head = html[html.index("<thead>") : html.index("</thead>")]
    cells = re.findall(r"<th ([^>]*)>", head)
    keys = [re.search(r'data-key="([^"]+)"', cell) for cell in cells if " hidden" not in cell]
    return [key[1] for key in keys if key]


def test_i4_the_page_opens_with_a_verdict_and_eight_columns(browse):
    html = browse("")
    assert shown_columns(html) == SHORT
    assert html.index("ranks first by AP per case") < html.index("<table")
    assert html.count('class="verdict"') == 3


def test_i4_the_chooser_shows_other_columns_and_the_address_keeps_them(browse):
    html = browse("columns=method|auroc.pooled")
    assert shown_columns(html) == ["method", "auroc.pooled"]
    assert shown_columns(browse("columns=")) == ["method"]  # and with it the number of missing cases


def test_i4_a_link_to_a_method_opens_its_details(browse):
    html = browse("table-1-method-3")
    (details,) = re.findall(r'<details class="method" id="table-1-method-3"[^>]*>', html)
    assert " open" in details and html.count("<details open") >= 1


def test_i4_further_tables_are_tabs_of_which_one_is_shown(browse):
    html = browse("")
    tabs = re.findall(r'<button [^>]*role="tab"[^>]*>(.*?)</button>', html)
    assert tabs[:4] == ["by lesion kind", "recall by lesion size, at healthy_q98", "by sex", "by site"]
    assert (
        len(re.findall(r'<button [^>]*aria-selected="true"', html)) == html.count('<div role="tablist"') == 2
    )


def test_i4_methods_have_their_parameters_costs_cases_and_a_doi(tables):
    rows = [handmade.row("ae", 0.3, settings={"steps": 50}, paper="Baur et al. 2021, arXiv 2004.03271")]
    page = Tags(html_page([handmade.table(rows)]))
    assert "https://doi.org/10.48550/arXiv.2004.03271" in [attrs["href"] for attrs in page.all("a")]
    assert "parameter steps" in page.texts["dt"] and "50" in page.texts["dd"]
    values = [float(text.split()[1]) for text in page.texts["li"] if text.startswith("case")]
    assert len(values) == 28 and values == sorted(values, reverse=True)


def test_i4_the_page_never_shows_ranks_of_few_patients(tables):
    few = handmade.table(handmade.bare_rows(), test="toy", primary="ap.pooled", values_only=True, patients=6)
    html = html_page([few, handmade.table()])
    assert html.index("Tested on mslub") < html.index("Tested on toy") and "No verdict: 6 patients" in html


def test_i17_the_missing_cases_of_a_row_stand_next_to_its_name_which_cannot_be_hidden(page):
    missing = [text for text in page.texts["small"] if "undefined" in text]
    assert "28 of 30 cases in ap.case: 2 undefined" in missing
    assert {text.split(" in ")[0] for text in missing} == {"28 of 30 cases", "0 of 30 cases"}
    boxes = [attrs["value"] for attrs in page.all("input") if attrs["type"] == "checkbox"]
    assert "rank" in boxes and "method" not in boxes


def test_i17_a_sentence_below_the_table_says_which_differences_are_significant(tables):
    contrast = handmade.row("ae", 0.3).to_best._replace(low=0.01, high=0.2, p_holm=0.3)
    html = html_page([handmade.table([handmade.row("ae", 0.3, to_best=contrast)])])
    assert html.count("a difference is significant only where p is at most 0.05") == 1
    assert html.index('class="differences"') < html.index("<details open><summary>notes")
    assert ", n.s." in html and "[pointwise 95 %], Holm p" in html
    assert 'class="differences"' not in html_page([tables[2]])


def test_i17_the_page_has_charts_of_cost_and_training_with_escaped_names():
    name = HTML_NAMES[0]
    log = TrainingLog(name, name, {(name, "loss"): LoggedSeries(np.arange(3.0), np.array([3.0, 2.0, 1.0]))})
    table = handmade.table([handmade.row(name, 0.3, 1), handmade.row("b", 0.2, 2)])
    html = html_page([table], training={table.key: {name: (log,)}})
    page = Tags(html)
    labels = [attrs["aria-label"] for attrs in page.all("svg") if attrs.get("role") == "img"]
    assert any(text.startswith("Pareto set by scoring") for text in labels)
    assert any(text.startswith("Training curve (") for text in labels)
    assert page.open == [] and len(page.all("script")) == 1 and "Training curves" in html


def test_f12_only_the_notes_of_a_table_say_whether_dice_is_the_best_possible():
    cleaned = html_page([handmade.table(after_threshold=("drop_components",))])
    assert (
        "not the best possible Dice, since drop_components" in cleaned
        and "they are the best possible" not in cleaned
    )
    assert "use the test labels and are not results" in cleaned
