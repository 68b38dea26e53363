"""The page of a prepared dataset: everything is on it, and nothing on it runs."""

from html.parser import HTMLParser

import pytest

from uad_bench.data_report.outliers import Facts, ranked
from uad_bench.data_report.page import (
    Failure,
    Page,
    Sheet,
    about,
    columns,
    number,
    order,
    render_page,
    row,
    spoken,
)
from uad_bench.errors import DataError

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def cases():
    facts = [
        Facts(f"c{i}", "healthy", (), {"dice": 0.95 + i / 1000, "brain, ml": 1300.0 + i}) for i in range(8)
    ]
    odd = Facts("odd", EVIL, (f"too {EVIL}", "second"), {"dice": 0.5}, {"lesions": 3, "lesions left": 2})
    return ranked([*facts, odd])


def make_page(cases, **changes):
    names = columns(cases)
    values = {
        "title": "toy prepared for p", "subtitle": "fingerprint abc", "about": tuple(about(cases)),
        "order": order(cases), "columns": names, "rows": tuple(row(one, names, "sheet-001.png") for one in cases),
        "failures": (), "sheets": (Sheet("sheet-001.png", "1 to 9", 800, 600),), "steps": "prepare: []",
    }  # fmt: skip
    return Page(**(values | changes))


class Tags(HTMLParser):
    """The tags of a page with their attributes, its text, and whether every tag that opens is closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_and_nothing_comes_from_elsewhere(cases):
    page = Tags(render_page(make_page(cases)))
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag in {"script", "link", "iframe", "object"}]
    assert not [a for _, a in page.tags if "://" in str(a)]


def test_strangers_text_is_shown_and_never_run(cases):
    failure = Failure.of(DataError(f"bad {EVIL}", where="c\u202e9", hint="mend it", code="UB322"))
    html = render_page(make_page(cases, failures=(failure,), title=EVIL))
    assert EVIL not in html and "\u202e" not in html
    assert Tags(html).text.count(EVIL) >= 3


def test_each_case_has_its_figures_and_leads_to_its_sheet(cases):
    page = Tags(render_page(make_page(cases)))
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    assert links == ["#sheet-001.png"] * 9
    assert [a["id"] for tag, a in page.tags if tag == "h2" and "id" in a] == ["sheet-001.png"]
    for one in cases:
        assert one.facts.case_id in page.text
    assert columns(cases) == ("lesions", "lesions left", "dice", "brain, ml")


def test_sheets_are_loaded_when_they_are_scrolled_to_and_do_not_move_the_page(cases):
    sheets = tuple(Sheet(f"sheet-{i:03d}.png", f"sheet {i}", 1305, 2106) for i in range(105))
    images = [a for tag, a in Tags(render_page(make_page(cases, sheets=sheets))).tags if tag == "img"]
    assert len(images) == 105
    assert all(a["loading"] == "lazy" and (a["width"], a["height"]) == ("1305", "2106") for a in images)


def test_what_is_far_from_the_cohort_is_marked(cases):
    first = row(cases[0], columns(cases), "s")
    assert first.case_id == "odd" and first.farthest.startswith("dice, z = -")
    assert [cell.far for cell in first.cells] == [False, False, True, False]
    assert [cell.text for cell in first.cells] == ["3", "2", "0.5", ""]
    assert not any(cell.far for one in cases[1:] for cell in row(one, columns(cases), "s").cells)


def test_the_head_has_median_range_and_totals(cases):
    lines = dict(about(cases))
    assert lines["lesions"] == "median 3, 3 to 3 in 1 cases; 3 in all"
    assert lines["brain, ml"] == "median 1304, 1300 to 1307 in 8 cases"


def test_failures_alone_make_a_page():
    failure = Failure.of(DataError("truncated", where="c1, a.nii.gz", hint="copy it again", code="UB322"))
    page = Tags(render_page(make_page([], failures=(failure,), rows=(), sheets=())))
    for text in ("c1, a.nii.gz", "UB322", "truncated: copy it again"):
        assert text in page.text
    assert "outliers first" not in page.text


def test_the_order_is_told_and_that_few_cases_have_none(cases):
    assert "dice, brain" in order(cases) and "takes 5" not in order(cases)
    assert "takes 5" in order(cases[:3])


@pytest.mark.parametrize(
    ("value", "text"), [(1310.4, "1310"), (0.96123, "0.9612"), (3.0, "3"), (-0.5, "-0.5")]
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text
    assert spoken("brain, ml", value) == f"brain {text} ml" and spoken("dice", value) == f"dice {text}"
