"""What the preparation made of each case of a dataset: a page of figures and sheets of pictures, outliers first.

    prepared cases -> look (each case once: files, lesions, intensities) -> ranked -> sheet-001.png ... -> report.html

A look is small and holds no voxels, and a sheet holds one case at a time, so thousands of cases need no more memory
than one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uad_bench import __version__
from uad_bench.config import Protocol
from uad_bench.data_report.case_facts import Look, atlas_on, lesion_mask, look
from uad_bench.data_report.outliers import Ranked, ranked
from uad_bench.data_report.page import (
    Failure,
    Page,
    Sheet,
    about,
    columns,
    farthest,
    order,
    render_page,
    row,
    spoken,
)
from uad_bench.data_report.sheets import CASES_A_SHEET, Histogram, Picture, draw_sheet
from uad_bench.errors import UadError
from uad_bench.prepare.cache.prepared_case import PreparedCase
from uad_bench.support import strict_yaml
from uad_bench.support.atomic_files import write_text
from uad_bench.support.process_pool import each
from uad_bench.support.progress import Ticker


@dataclass(frozen=True)
class Scale:
    """Intensities of a prepared modality over the cohort: the range that is shown, and the median of medians."""

    low: float
    high: float
    middle: float

    @classmethod
    def of(cls, looks: Sequence[Look], modality: str) -> "Scale":
        """The median range of the cases: one that is far out does not squeeze the others."""
        low, middle, high = np.median([one.after[modality] for one in looks], axis=0)
        return cls(float(low - 0.1 * (high - low)), float(high + 0.1 * (high - low) + 1e-6), float(middle))


@dataclass(frozen=True)
class Job:
    """One sheet to be drawn: the cases with their places in the order, and the scale of each modality."""

    path: Path
    title: str
    first: int
    cases: tuple[tuple[Look, Ranked], ...]
    scales: Mapping[str, Scale]


def write_report(
    folder: Path,
    dataset: str,
    protocol: Protocol,
    done: Sequence[PreparedCase],
    failures: Sequence[UadError],
    workers: int,
) -> Path:
    """Write report.html and its sheets into `folder`; the path of the page.

    done: the prepared cases of one dataset; failures: why the others are not. Raises EnvironmentFault where the
    disk does not allow it.
    """
    looks: dict[str, Look] = {}
    ticker = Ticker("look at the cases")
    for one in each(look, done, workers):
        looks[one.facts.case_id] = one
        ticker(len(looks), len(done))
    cases = ranked([one.facts for one in looks.values()])
    title = f"{dataset} prepared for {protocol.name}"
    sheets = _sheets(folder, f"{title} {protocol.fingerprint}", cases, looks, workers)
    names = columns(cases)
    files = [sheet.file for sheet in sheets for _ in range(CASES_A_SHEET)]
    page = Page(
        title=title,
        subtitle=f"protocol {protocol.name} version {protocol.version}, fingerprint {protocol.fingerprint}; "
        f"uad-bench {__version__}",
        about=(*_counts(list(looks.values()), failures), *about(cases)),
        order=order(cases),
        columns=names,
        rows=tuple(row(one, names, file) for one, file in zip(cases, files, strict=False)),
        failures=tuple(Failure.of(error) for error in failures),
        sheets=tuple(sheets),
        steps=strict_yaml.dump({"prepare": protocol.steps}),
    )
    write_text(folder / "report.html", render_page(page))
    return folder / "report.html"


def _counts(looks: Sequence[Look], failures: Sequence[UadError]) -> list[tuple[str, str]]:
    cases = [one.ready.case for one in looks]
    healthy = sum(case.healthy for case in cases)
    subjects, sites = {case.subject_id for case in cases}, {case.site for case in cases if case.site}
    warned = sum(bool(one.facts.warnings) for one in looks)
    return [
        ("cases", f"{len(looks)} prepared, {len(failures)} failed"),
        ("prepared", f"{healthy} healthy, {len(cases) - healthy} with lesions, of {len(subjects)} subjects"),
        *([("sites", ", ".join(sorted(sites)))] if sites else []),
        ("with warnings", f"{warned} cases"),
    ]


def _sheets(
    folder: Path, title: str, cases: Sequence[Ranked], looks: Mapping[str, Look], workers: int
) -> list[Sheet]:
    """Draw all sheets; those of an earlier, longer report go."""
    modalities = next(iter(looks.values())).ready.record["modalities"] if looks else []
    scales = {name: Scale.of(list(looks.values()), name) for name in modalities}
    jobs: list[Job] = []
    for first in range(0, len(cases), CASES_A_SHEET):
        some = tuple((looks[one.facts.case_id], one) for one in cases[first : first + CASES_A_SHEET])
        words = f"{title}: {first + 1} to {first + len(some)} of {len(cases)} cases, outliers first"
        path = folder / f"sheet-{len(jobs) + 1:03d}.png"
        jobs.append(Job(path, words, first + 1, some, scales))
    sheets, ticker = [], Ticker("draw sheets")
    for sheet in each(_draw, jobs, workers):
        sheets.append(sheet)
        ticker(len(sheets), len(jobs))
    for old in set(folder.glob("sheet-[0-9][0-9][0-9].png")) - {job.path for job in jobs}:
        old.unlink(missing_ok=True)
    return sheets


def _draw(job: Job) -> Sheet:
    """One sheet, in whichever process; a case is read when its row is drawn."""
    rows = len(job.cases) * len(job.scales)
    pictures = (
        picture
        for place, (one, rank) in enumerate(job.cases, start=job.first)
        for picture in _pictures(one, rank, place, job.scales)
    )
    width, height = draw_sheet(job.path, pictures, rows, job.title)
    told = tuple((one.facts.case_id, one.facts.warnings) for one, _ in job.cases if one.facts.warnings)
    return Sheet(job.path.name, job.title, width, height, told)


def _pictures(one: Look, rank: Ranked, place: int, scales: Mapping[str, Scale]) -> Iterator[Picture]:
    """A row of the sheet for each modality; the words stand beside the first."""
    scan, lesions = one.ready.scan(), lesion_mask(one.ready)
    atlas = atlas_on(one.ready.record, scan)
    head = f"{place}. {one.facts.case_id} ({one.facts.label}), "
    words, warnings = _words(rank), one.facts.warnings
    for channel, (modality, scale) in enumerate(scales.items()):
        image = scan.image[channel]
        yield Picture(
            lines=(head + modality, *words),
            warnings=warnings,
            image=image,
            brain_mask=scan.brain_mask,
            lesion_mask=lesions,
            atlas_mask=atlas[0] if atlas else None,
            spacing=scan.spacing,
            before=one.before.get(modality),
            mark=scale.middle,
            after=Histogram.of(image[scan.brain_mask], scale.low, scale.high),
        )
        head, words, warnings = "", [], ()


def _words(rank: Ranked) -> list[str]:
    """All figures of a case, and in which it is farthest from the cohort."""
    told = [
        ", ".join(spoken(name, value) for name, value in figures.items())
        for figures in (rank.facts.counted, rank.facts.measured)
    ]
    far = [f"farthest from the cohort: {farthest(rank)}"] if rank.distance else []
    return [line for line in (*told, *far) if line]
