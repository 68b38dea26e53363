"""The text report of a survey: every case, then the findings under headings with counts, then totals."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from uad_bench.data.inspect.case import InspectedCase
from uad_bench.data.inspect.findings import Finding
from uad_bench.data.inspect.survey import Survey

COLUMNS = ("case", "subject", "images", "lacks", "site", "age", "sex", "brain", "lesion ml", "state")
UNKNOWN = "-"


def as_lines(found: Survey) -> Iterator[str]:
    """The lines of the report. Control characters in ids are replaced, so that a terminal cannot obey them."""
    yield from _table(found)
    yield from _grouped("error", found.errors)
    yield from _grouped("warning", [finding for finding in found.findings if not finding.is_error])
    yield from _totals(found)


def _table(found: Survey) -> Iterator[str]:
    """One line a case; columns that are empty for all cases are left out."""
    modalities = sorted(
        {name for one in found.cases for name in one.case.images} | {*found.checks.modalities}
    )
    rows = [COLUMNS, *(_row(one, modalities) for one in found.cases)]
    kept = [i for i in range(len(COLUMNS)) if any(row[i] not in {"", UNKNOWN} for row in rows[1:])]
    widths = [max(len(row[i]) for row in rows) for i in kept]
    for row in rows if found.cases else []:
        yield "  ".join(row[i].ljust(width) for i, width in zip(kept, widths, strict=True)).rstrip()


def _row(one: InspectedCase, modalities: Sequence[str]) -> tuple[str, ...]:
    case = one.case
    lacks = [name for name in modalities if name not in case.images]
    words = (
        case.case_id,
        case.subject_id,
        " ".join(case.images),
        " ".join(lacks) or UNKNOWN,
        case.site,
        UNKNOWN if case.age is None else f"{case.age:.0f}",
        case.sex or UNKNOWN,
        UNKNOWN if one.brain_share is None else f"{one.brain_share:.1%}",
        UNKNOWN if one.lesion_ml is None else f"{one.lesion_ml:.2f}",
        _state(one.findings),
    )
    return tuple("".join(c if c.isprintable() else "?" for c in word) for word in words)


def _state(findings: Sequence[Finding]) -> str:
    errors = sum(finding.is_error for finding in findings)
    counts = [_count(errors, "error"), _count(len(findings) - errors, "warning")]
    return ", ".join(text for text in counts if text) or "ok"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}" if number else ""


def _grouped(word: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Findings of one severity under their kinds, the largest group first."""
    kinds = Counter(finding.kind for finding in findings)
    for kind, number in sorted(kinds.items(), key=lambda item: (-item[1], item[0])):
        yield ""
        yield f"{_count(number, word)}: {kind}"
        yield from (f"  {finding.text}" for finding in findings if finding.kind == kind)


def _totals(found: Survey) -> Iterator[str]:
    cases = [one.case for one in found.cases]
    subjects = {case.subject_id for case in cases}
    healthy = sum(case.healthy for case in cases)
    unpaired = f"; {found.unpaired} more cannot be paired" if found.unpaired else ""
    yield ""
    lesions = len(cases) - healthy
    yield f"cases       {len(cases)} of {len(subjects)} subjects: {healthy} healthy, {lesions} with lesions{unpaired}"
    yield f"images      {_shares(name for case in cases for name in case.images)}"
    yield f"sites       {_shares(case.site or 'unknown' for case in cases)}"
    yield f"ages        {_spread([case.age for case in cases], 'years', 0)}"
    yield f"sexes       {_shares(case.sex or 'unknown' for case in cases)}"
    if lesions:
        measured = [one.lesion_ml for one in found.cases if not one.case.healthy]
        yield f"lesions     {_spread(measured, 'ml', 2)}"
    errors, warnings = len(found.errors), len(found.findings) - len(found.errors)
    depth = "headers only; voxels were not read" if found.checks.quick else "every file read to its end"
    counts = f"{_count(errors, 'error') or 'no error'}, {_count(warnings, 'warning') or 'no warning'}"
    yield f"findings    {counts} ({depth})"


def _shares(words: Iterable[str]) -> str:
    counts = Counter(words)
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items())) or "none"


def _spread(values: Sequence[float | None], unit: str, digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    low, middle, high = (
        f"{value:.{digits}f}" for value in (min(known), statistics.median(known), max(known))
    )
    missing = f", unknown for {len(values) - len(known)}" if len(known) < len(values) else ""
    return f"{low} to {high} {unit}, median {middle}{missing}"
