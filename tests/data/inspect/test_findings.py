"""Errors and warnings collected as findings."""

import logging

from tests.helpers.inspected_cases import only


def test_f06_warnings_of_the_reader_become_findings_and_are_not_shown(make, caplog):
    case = make()
    path = case.images["t2"]
    path.write_bytes(path.read_bytes() + b"junk")
    finding = only(case)
    assert not finding.is_error and "4 bytes after the end of the gzip stream" in finding.text
    assert not caplog.records
    assert logging.getLogger("uad_bench").propagate
