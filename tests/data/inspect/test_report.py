"""The text report of a survey."""

from dataclasses import replace

from tests.helpers.inspected_cases import broken_set
from uad_bench.data.inspect.report import as_lines
from uad_bench.data.inspect.survey import survey


def test_the_report_lists_all_cases_then_findings_by_kind_then_totals(make):
    cases = [replace(case, site="Guys", age=30.0 + i, sex="f") for i, case in enumerate(broken_set(make))]
    healthy = replace(make("h1", lesion=None), healthy=True, site="HH")
    lines = list(as_lines(survey([*cases, healthy])))
    assert [line.split()[0] for line in lines[1:8]] == ["c0", "c1", "c2", "c3", "c4", "c5", "h1"]
    assert lines[1].endswith("ok") and lines[2].endswith("1 error")
    assert "1 error: damaged or truncated files" in lines
    totals = {line.split()[0]: line for line in lines[-7:]}
    assert "7 of 7 subjects: 1 healthy, 6 with lesions" in totals["cases"]
    assert "t2 7" in totals["images"] and "Guys 6, HH 1" in totals["sites"]
    assert (
        "30 to 35 years, median 32, unknown for 1" in totals["ages"] and "f 6, unknown 1" in totals["sexes"]
    )
    assert "ml, median" in totals["lesions"] and "4 errors, no warning" in totals["findings"]
