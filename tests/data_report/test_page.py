"""The page of a prepared dataset: complete, self-contained, and no text on it is executed."""

from html.parser import HTMLParser

import pytest

from uad_bench.data_report.outliers import CaseFacts, rank_cases
from uad_bench.data_report.page import (
    Failure,
    Page,
    Sheet,
    case_row,
    number_text,
    order_text,
    render_page,
    summary_lines,
    value_names,
    value_text,
)
from uad_bench.errors import DataError

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def cases():
    facts = [
        CaseFacts(f"c{i}", "healthy", (), {"dice": 0.95 + i / 1000, "brain, ml": 1300.0 + i})
        for i in range(8)
    ]
    far = CaseFacts("far", EVIL, (f"too {EVIL}", "second"), {"dice": 0.5}, {"lesions": 3, "lesions left": 2})
    return rank_cases([*facts, far])


def make_page(cases, **changes):
    names = value_names(cases)
    values = {
        "title": "toy prepared for p", "subtitle": "fingerprint abc", "summary": tuple(summary_lines(cases)),
        "order": order_text(cases), "columns": names,
        "rows": tuple(case_row(one, names, "sheet-001.png") for one in cases),
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


def test_the_page_is_well_formed_and_self_contained(cases):
    page = Tags(render_page(make_page(cases)))
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag in {"script", "link", "iframe", "object"}]
    assert not [a for _, a in page.tags if "://" in str(a)]


def test_untrusted_text_is_shown_and_never_executed(cases):
    failure = Failure.of(DataError(f"bad {EVIL}", where="c\u202e9", hint="mend it", code="UB322"))
    html = render_page(make_page(cases, failures=(failure,), title=EVIL))
    assert EVIL not in html and "\u202e" not in html
    assert Tags(html).text.count(EVIL) >= 3


def test_each_case_has_its_values_and_a_link_to_its_sheet(cases):
    page = Tags(render_page(make_page(cases)))
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    assert links == ["#sheet-001.png"] * 9
    assert [a["id"] for tag, a in page.tags if tag == "h2" and "id" in a] == ["sheet-001.png"]
    for one in cases:
        assert one.facts.case_id in page.text
    assert value_names(cases) == ("lesions", "lesions left", "dice", "brain, ml")


def test_sheets_are_loaded_lazily_with_their_size_reserved(cases):
    sheets = tuple(Sheet(f"sheet-{i:03d}.png", f"sheet {i}", 1305, 2106) for i in range(105))
    images = [a for tag, a in Tags(render_page(make_page(cases, sheets=sheets))).tags if tag == "img"]
    assert len(images) == 105
    assert all(a["loading"] == "lazy" and (a["width"], a["height"]) == ("1305", "2106") for a in images)


def test_outliers_are_marked(cases):
    first = case_row(cases[0], value_names(cases), "s")
    assert first.case_id == "far" and first.farthest.startswith("dice, z = -")
    assert [cell.outlier for cell in first.cells] == [False, False, True, False]
    assert [cell.text for cell in first.cells] == ["3", "2", "0.5", ""]
    assert not any(cell.outlier for one in cases[1:] for cell in case_row(one, value_names(cases), "s").cells)


def test_the_summary_has_median_range_and_totals(cases):
    lines = dict(summary_lines(cases))
    assert lines["lesions"] == "median 3, 3 to 3 in 1 cases; 3 in total"
    assert lines["brain, ml"] == "median 1304, 1300 to 1307 in 8 cases"


def test_failures_alone_make_a_page():
    failure = Failure.of(DataError("truncated", where="c1, a.nii.gz", hint="copy it again", code="UB322"))
    page = Tags(render_page(make_page([], failures=(failure,), rows=(), sheets=())))
    for text in ("c1, a.nii.gz", "UB322", "truncated: copy it again"):
        assert text in page.text
    assert "outliers first" not in page.text


def test_the_order_is_explained_also_for_few_cases(cases):
    assert "dice, brain" in order_text(cases) and "not computed for fewer than 5" not in order_text(cases)
    assert "not computed for fewer than 5" in order_text(cases[:3])


@pytest.mark.parametrize(
    ("value", "text"), [(1310.4, "1310"), (0.96123, "0.9612"), (3.0, "3"), (-0.5, "-0.5")]
)
def test_numbers_have_four_digits(value, text):
    assert number_text(value) == text
    assert (
        value_text("brain, ml", value) == f"brain {text} ml" and value_text("dice", value) == f"dice {text}"
    )
