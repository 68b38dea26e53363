"""`data import`, `data check` and `data report`: unpack an archive, check every case, draw the prepared scans."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from uad_bench.cohort.discovery import Sources
    from uad_bench.config import Overrides
    from uad_bench.data.inspect.case import Checks
    from uad_bench.data.inspect.survey import Survey
    from uad_bench.errors import DataError
    from uad_bench.types import Case

Dataset = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A name, module:Class or .py file.",
        autocompletion=options.names_of("dataset"),
    ),
]


def import_(
    dataset: Dataset,
    archive: Annotated[
        Path,
        typer.Argument(metavar="ARCHIVE", help="A tar (.gz, .bz2, .xz) or zip file that you downloaded."),
    ],
    into: Annotated[
        Path, typer.Option("--into", help="The dataset's folder; the archive is unpacked to a folder in it.")
    ],
    sha256: Annotated[
        str, typer.Option("--sha256", help="The SHA-256 that the archive must have; default: any.")
    ] = "",
    set_: options.Set = [],
    config: options.Config = "",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Unpack an archive safely and list what the dataset finds in it. Nothing is downloaded."""
    from uad_bench.cohort.discovery import adapter_for
    from uad_bench.data.archive.unpack import unpack
    from uad_bench.support.progress import Ticker

    options.show_messages(quiet, verbose)
    chosen, sources = (
        options.overrides(config, set_).datasets.get(dataset, {}),
        options.sources([f"{dataset}={into}"], 1),
    )
    adapter_for(dataset, chosen)  # a wrong name or setting is an error before the long work
    ticker = Ticker(f"unpack {archive.name}")
    folder = unpack(archive.expanduser(), into.expanduser(), sha256, progress=ticker)
    typer.echo(f"unpacked: {folder}")
    cases, faults = _find(dataset, chosen, sources)
    words = sorted({name for case in cases for name in case.images})
    counts = ", ".join(f"{name} {sum(name in case.images for case in cases)}" for name in words)
    typer.echo(f"{dataset}: {len(cases)} cases in {into} ({counts})")
    if faults:
        typer.echo(f"{len(faults)} more cannot be paired, the first: {faults[0]}")
    data = shlex.quote(f"{dataset}={into}")
    typer.echo(f"next: uad-bench data check {shlex.quote(dataset)} --data {data}")


def check(
    dataset: Dataset,
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            "-p",
            help="Also check what this protocol demands: modalities, a brain on its grid; default: none.",
        ),
    ] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Read headers only, not voxels.")] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Brain masks below 2 % or above 90 % of the volume, and unread image files, are errors.",
        ),
    ] = False,
    workers: options.Workers = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Check every case of a dataset and report what is missing and what is wrong.

    Exit code 0 with warnings, 3 with errors, 5 if an id or a file cannot be trusted; 7 with --strict if image files
    are not read.
    """
    from uad_bench.data.inspect.findings import FindingList
    from uad_bench.data.inspect.report import as_lines
    from uad_bench.data.inspect.survey import survey
    from uad_bench.support.progress import Ticker

    options.show_messages(quiet, verbose)
    over, sources, notes = options.overrides(config, set_), options.sources(data, workers), FindingList()
    with notes.capturing_warnings():
        cases, faults = _find(dataset, over.datasets.get(dataset, {}), sources)
    for fault in faults:
        notes.error(fault)
    ticker = Ticker(f"check {dataset}")
    found = survey(cases, notes.findings, _checks(protocol, over, quick, strict), sources.workers, ticker)
    for line in as_lines(found):
        typer.echo(line)
    _raise_worst(dataset, found)
    _raise_unread(found, strict)


def _checks(name: str, over: "Overrides", quick: bool, strict: bool) -> "Checks":
    """The checks, with what a protocol demands where one is named."""
    from uad_bench.config import load_protocol
    from uad_bench.data.inspect.case import Checks

    if not name:
        return Checks((), quick, strict)
    protocol = load_protocol(name, over.protocol)
    steps = {str(step.get("step")): step for step in protocol.steps}
    zero = steps.get("brain_mask", {}).get("nonfinite") == "zero"
    centre, box = steps.get("resample", {}).get("centre"), None
    if isinstance(centre, list | tuple) and "register" not in steps:
        half = [n * mm / 2 for n, mm in zip(protocol.grid.shape, protocol.grid.spacing, strict=True)]
        box = tuple((mm - h, mm + h) for mm, h in zip(centre, half, strict=True))
    return Checks(protocol.modalities, quick, strict, zero, box)


def _find(
    dataset: str, chosen: Mapping[str, Any], sources: "Sources"
) -> "tuple[list[Case], list[DataError]]":
    """The cases and faults that an adapter finds. Raises DataError where there is neither (UB334)."""
    from uad_bench.cohort.discovery import find_cases
    from uad_bench.errors import DataError

    cases, faults = find_cases(dataset, chosen, sources)
    if not (cases or faults):
        hint = f"`uad-bench show {shlex.quote(dataset)}` describes the expected layout"
        raise DataError("no case found", where=dataset, hint=hint, code="UB334")
    return cases, faults


def _raise_worst(dataset: str, found: "Survey") -> None:
    """Raise the error to end with where the survey found some; exit code 5 where a file cannot be trusted."""
    from uad_bench.errors import DataError, IntegrityError

    errors = found.errors
    if not errors:
        return
    what, hint = (
        f"{len(errors)} error{'s' * (len(errors) > 1)} in dataset {dataset!r}",
        "the report above lists them",
    )
    if any(error.exit_code == IntegrityError.exit_code for error in errors):
        raise IntegrityError(what, hint=hint, code="UB507")
    raise DataError(what, hint=hint, code="UB341")


def _raise_unread(found: "Survey", strict: bool) -> None:
    """Raise PartialFailure where image files are not read and the check is strict."""
    from uad_bench.data.unread_files import UNREAD
    from uad_bench.errors import PartialFailure

    unread = [finding for finding in found.findings if finding.kind == UNREAD]
    if strict and unread:
        hint = "name them in the dataset's options, or move them out of the root"
        raise PartialFailure(f"{UNREAD}: {len(unread)} kinds", hint=hint, code="UB701")


def report(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="The dataset to report on.")],
    protocol: options.Protocol = "",
    data: options.Data = [],
    set_: options.Set = [],
    config: options.Config = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The folder that is written; default: report-DATASET-PROTOCOL."),
    ] = None,
    workers: options.Workers = 0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Prepare every case and write an HTML report: masks, atlas outline, histograms, registration quality.

    Outliers come first. Steps that learn from training scans need the protocol's training set in --data.
    """
    from uad_bench import plugins
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.cohort.prepare_datasets import prepare_datasets
    from uad_bench.data_report.report import write_report
    from uad_bench.errors import PartialFailure

    options.show_messages(quiet, verbose)
    over = options.overrides(config, set_)
    pinned, label = pinned_protocol(protocol, over.protocol), plugins.label(dataset)
    sources = options.sources(data, workers, skip_broken=True)
    (one,) = prepare_datasets([dataset], pinned, over.datasets, sources)
    folder = to or Path(f"report-{label}-{pinned.name}")
    page = write_report(folder, label, pinned, one.cases, one.failures, sources.workers)
    typer.echo(f"{len(one.cases)} of {one.found} cases, outliers first: {page}")
    if one.failures:
        what, hint = f"{len(one.failures)} cases cannot be prepared", "the page lists them"
        raise PartialFailure(what, hint=hint)
