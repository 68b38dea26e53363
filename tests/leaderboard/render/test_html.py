"""The leaderboard's page: whole, harmless, the same everywhere, and sorted in a real browser where there is one."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers import handmade
from uad_bench.leaderboard.render.escape import visible
from uad_bench.leaderboard.render.render import render

ROOT = Path(__file__).parents[3]
NASTY = [
    "<script>alert(1)</script>",
    "a|b",
    '=HYPERLINK("x")',
    'x" onload="alert(1)',
    "a\u202eb\u200f",
    "{{ 7*7 }}",
]
VOID = {"meta", "input", "line", "circle", "br"}


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
    apart = handmade.table(protocol="pddpm-2mm", apart="protocol differs: uad-1mm against pddpm-2mm")
    return [handmade.table(), apart, handmade.table(handmade.bare_rows(), test="toy", primary="ap.pooled")]


@pytest.fixture(scope="module")
def page(tables):
    return Tags(render(tables, "html"))


def nasty():
    rows = [handmade.row(name, 0.3, 1, paper=name, marks=(name,), failures=(name,)) for name in NASTY]
    return [handmade.table(rows, test=NASTY[0], protocol=NASTY[3], apart=NASTY[0])]


def test_it_is_whole_and_needs_nothing_else(page):
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag in {"link", "iframe", "img", "object", "base"}]
    assert not [attrs for _, attrs in page.tags if {"src", "style", "onclick"} & set(attrs)]
    assert all(attrs["href"].startswith("#table-") for attrs in page.all("a"))


def test_every_table_can_be_read_aloud(page):
    tables = page.all("table")
    assert len(page.texts["caption"]) == len(tables) == 2 * 5 + 1
    assert {attrs["scope"] for attrs in page.all("th")} == {"col", "row"}
    labelled = {attrs.get("for") for attrs in page.all("label")}
    assert labelled == {attrs["id"] for tag in ("select", "input") for attrs in page.all(tag)}
    assert [attrs["role"] for attrs in page.all("p") if attrs.get("aria-live")] == ["status"]
    assert all(attrs["tabindex"] == "0" for attrs in page.all("div"))


def test_strangers_strings_are_shown_and_never_run():
    html = render(nasty(), "html")
    page = Tags(html)
    assert len(page.all("script")) == 1 and "{{" not in page.texts["script"][0]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert "\u202e" not in html and "\u200f" not in html
    shown = page.texts["bdi"]
    assert all(shown.count(visible(name)) >= 2 for name in NASTY)


def test_the_policy_knows_the_pages_own_script_and_style_only(page):
    (policy,) = [attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs]
    for tag in ("script", "style"):
        digest = hashlib.sha256("".join(page.texts[tag]).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_ceilings_are_marked_and_no_table_is_sorted_by_one(page):
    heads = [attrs for attrs in page.all("th") if "@oracle" in attrs.get("data-key", "")]
    assert heads and all("oracle" in attrs["class"] for attrs in heads)
    assert not [attrs for attrs in page.all("th") if "aria-sort" in attrs]


def test_failures_reported_numbers_and_why_tables_are_apart_are_told(page):
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


def test_equal_bytes_in_another_time_zone_language_and_hash_seed():
    code = (
        "import hashlib;from tests.helpers import handmade;from uad_bench.leaderboard.render.render import render;"
        "print(hashlib.sha256(render([handmade.table()], 'html').encode()).hexdigest())"
    )
    found = set()
    for zone, language, seed in (("UTC", "C", "1"), ("Asia/Tokyo", "de_DE.UTF-8", "2")):
        env = os.environ | {"TZ": zone, "LC_ALL": language, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


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
    (tmp_path / "board.html").write_text(render(tables, "html"), encoding="utf-8")

    def browse(fragment):
        address = f"file://{tmp_path}/board.html#{fragment}"
        command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path}/profile", address]
        return subprocess.run(command, capture_output=True, timeout=120, check=True, text=True).stdout

    return browse


def methods(html):
    """Those shown in the first table, in their order."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr (.*?)>.*?<bdi>(.*?)</bdi>", body, re.S)
    return [name for attributes, name in rows if "hidden" not in attributes]


def test_a_browser_sorts_by_a_metric_and_says_so(browse):
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


def test_what_has_no_number_comes_last_whichever_way(browse):
    for direction in ("asc", "desc"):
        assert methods(browse(f"sort=delta_best&dir={direction}"))[-4:] == [
            "random", "atlas-z", "patch2loc:conv", "gan"
        ]  # fmt: skip


def test_a_browser_filters_methods_but_never_null_rows(browse):
    html = browse("method=PATCH&protocol=uad-1mm&theme=dark")
    assert methods(html) == ["prevalence", "random", "atlas-z", "patch2loc:conv"]
    assert 'data-theme="dark"' in html
    assert len(re.findall(r"<section [^>]*hidden", html)) == len(re.findall(r"<li hidden", html)) == 1
    assert "in 2 of 3 tables" in html


def test_a_metric_alone_is_shown_with_what_names_the_rows(browse):
    html = browse("metric=dice@tune")
    head = html[html.index("<thead>") : html.index("</thead>")]
    shown = re.findall(r'<th (?:(?!hidden)[^>])*data-key="([^"]+)"(?:(?!hidden)[^>])*>', head)
    assert "dice@tune" in shown and "ap.case" not in shown and "method" in shown
    assert "in 2 of 3 tables" in html
