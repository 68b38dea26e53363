"""Report on the preparation of a dataset: a page with measures of each case and sheets of images, outliers first.

    prepared cases -> case reports (each case is read once) -> ranked cases -> sheet-001.png ... -> report.html

Case reports have no voxels, and a sheet reads one case at a time, so the memory does not grow with the number of cases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uad_bench import __version__
from uad_bench.config import Protocol
from uad_bench.data_report.case_facts import CaseReport, atlas_masks, case_report, lesion_mask
from uad_bench.data_report.outliers import RankedCase, rank_cases
from uad_bench.data_report.page import (
    Failure,
    Page,
    Sheet,
    case_row,
    farthest_text,
    order_text,
    render_page,
    summary_lines,
    value_names,
    value_text,
)
from uad_bench.data_report.sheets import CASES_PER_SHEET, Histogram, SheetRow, draw_sheet
from uad_bench.errors import UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.support import strict_yaml
from uad_bench.support.atomic_files import write_text
from uad_bench.support.process_pool import each
from uad_bench.support.progress import Ticker


@dataclass(frozen=True)
class IntensityScale:
    """Prepared intensities of a modality over the cohort: the displayed range, and the median of the medians."""

    low: float
    high: float
    median: float

    @classmethod
    def of(cls, reports: Sequence[CaseReport], modality: str) -> "IntensityScale":
        """From the medians of the ranges of the cases, so that an outlier does not change the displayed range."""
        low, median, high = np.median([one.after[modality] for one in reports], axis=0)
        margin = 0.1 * (high - low)
        return cls(float(low - margin), float(high + margin + 1e-6), float(median))


@dataclass(frozen=True)
class SheetJob:
    """One sheet to draw: its cases, the rank of the first one, and the intensity scale of each modality."""

    path: Path
    title: str
    first: int
    cases: tuple[tuple[CaseReport, RankedCase], ...]
    scales: Mapping[str, IntensityScale]


def write_report(
    folder: Path,
    dataset: str,
    protocol: Protocol,
    done: Sequence[PreparedCase],
    failures: Sequence[UadError],
    workers: int,
) -> Path:
    """Write report.html and its sheets to `folder`; returns the path of the page.

    done: the prepared cases of one dataset; failures: the errors of the other cases; workers: number of processes.
    Raises EnvironmentFault where a file cannot be written.
    """
    reports: dict[str, CaseReport] = {}
    ticker = Ticker("read the cases")
    for one in each(case_report, done, workers):
        reports[one.facts.case_id] = one
        ticker(len(reports), len(done))
    cases = rank_cases([one.facts for one in reports.values()])
    title = f"{dataset} prepared for {protocol.name}"
    sheets = _sheets(folder, f"{title} {protocol.fingerprint}", cases, reports, workers)
    names = value_names(cases)
    files = [sheet.file for sheet in sheets for _ in range(CASES_PER_SHEET)]
    page = Page(
        title=title,
        subtitle=f"protocol {protocol.name} version {protocol.version}, fingerprint {protocol.fingerprint}; "
        f"uad-bench {__version__}",
        summary=(*_counts(list(reports.values()), failures), *summary_lines(cases)),
        order=order_text(cases),
        columns=names,
        rows=tuple(case_row(one, names, file) for one, file in zip(cases, files, strict=False)),
        failures=tuple(Failure.of(error) for error in failures),
        sheets=tuple(sheets),
        steps=strict_yaml.dump({"prepare": protocol.steps}),
    )
    write_text(folder / "report.html", render_page(page))
    return folder / "report.html"


def _counts(reports: Sequence[CaseReport], failures: Sequence[UadError]) -> list[tuple[str, str]]:
    cases = [one.prepared.case for one in reports]
    healthy = sum(case.healthy for case in cases)
    subjects, sites = {case.subject_id for case in cases}, {case.site for case in cases if case.site}
    warned = sum(bool(one.facts.warnings) for one in reports)
    return [
        ("cases", f"{len(reports)} prepared, {len(failures)} failed"),
        ("prepared", f"{healthy} healthy, {len(cases) - healthy} with lesions, of {len(subjects)} subjects"),
        *([("sites", ", ".join(sorted(sites)))] if sites else []),
        ("with warnings", f"{warned} cases"),
    ]


def _sheets(
    folder: Path, title: str, cases: Sequence[RankedCase], reports: Mapping[str, CaseReport], workers: int
) -> list[Sheet]:
    """Draw all sheets, and delete those of an earlier report with more sheets."""
    modalities = next(iter(reports.values())).prepared.record["modalities"] if reports else []
    scales = {name: IntensityScale.of(list(reports.values()), name) for name in modalities}
    jobs: list[SheetJob] = []
    for first in range(0, len(cases), CASES_PER_SHEET):
        some = tuple((reports[one.facts.case_id], one) for one in cases[first : first + CASES_PER_SHEET])
        heading = f"{title}: {first + 1} to {first + len(some)} of {len(cases)} cases, outliers first"
        path = folder / f"sheet-{len(jobs) + 1:03d}.png"
        jobs.append(SheetJob(path, heading, first + 1, some, scales))
    sheets, ticker = [], Ticker("draw sheets")
    for sheet in each(_draw, jobs, workers):
        sheets.append(sheet)
        ticker(len(sheets), len(jobs))
    for old in set(folder.glob("sheet-[0-9][0-9][0-9].png")) - {job.path for job in jobs}:
        old.unlink(missing_ok=True)
    return sheets


def _draw(job: SheetJob) -> Sheet:
    """Draw one sheet, in any process; a case is read when its row is drawn."""
    count = len(job.cases) * len(job.scales)
    rows = (
        row
        for place, (report, ranked) in enumerate(job.cases, start=job.first)
        for row in _rows(report, ranked, place, job.scales)
    )
    width, height = draw_sheet(job.path, rows, count, job.title)
    warnings = tuple((one.facts.case_id, one.facts.warnings) for one, _ in job.cases if one.facts.warnings)
    return Sheet(job.path.name, job.title, width, height, warnings)


def _rows(
    report: CaseReport, ranked: RankedCase, place: int, scales: Mapping[str, IntensityScale]
) -> Iterator[SheetRow]:
    """A row of the sheet for each modality; the measures are next to the first one."""
    scan, lesions = report.prepared.scan(), lesion_mask(report.prepared)
    atlas = atlas_masks(report.prepared.record, scan)
    heading = f"{place}. {report.facts.case_id} ({report.facts.label}), "
    lines, warnings = _measure_lines(ranked), report.facts.warnings
    for channel, (modality, scale) in enumerate(scales.items()):
        image = scan.image[channel]
        yield SheetRow(
            lines=(heading + modality, *lines),
            warnings=warnings,
            image=image,
            brain_mask=scan.brain_mask,
            lesion_mask=lesions,
            atlas_mask=atlas[0] if atlas else None,
            spacing=scan.spacing,
            before=report.before.get(modality),
            mark=scale.median,
            after=Histogram.of(image[scan.brain_mask], scale.low, scale.high),
        )
        heading, lines, warnings = "", [], ()


def _measure_lines(ranked: RankedCase) -> list[str]:
    """All measures of a case, and the one that is farthest from the cohort."""
    lines = [
        ", ".join(value_text(name, value) for name, value in values.items())
        for values in (ranked.facts.listed, ranked.facts.compared)
    ]
    farthest = [f"farthest from the cohort: {farthest_text(ranked)}"] if ranked.distance else []
    return [line for line in (*lines, *farthest) if line]
