"""`data report` and `export`: pictures of prepared scans, and anomaly maps for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options


def report(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="The dataset to look at.")],
    protocol: options.Protocol = "",
    data: options.Data = [],  # noqa: B006  # typer copies it
    set_: options.Set = [],  # noqa: B006
    to: Annotated[
        Path | None, typer.Option("--to", help="Where to; default: report-DATASET-PROTOCOL.")
    ] = None,
    workers: options.Workers = 0,
) -> None:
    """Prepare every case and draw it: masks, atlas outline, histograms, registration figures, outliers first.

    Steps that learn from training scans need the protocol's training set in --data.
    """
    from uad_bench import plugins
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.cohort.prepare_dataset import prepare_dataset, ready_steps
    from uad_bench.config import Overrides
    from uad_bench.data_report.report import write_report
    from uad_bench.errors import PartialFailure
    from uad_bench.pipeline.matrix import with_settings

    options.show_log()
    over = with_settings(Overrides(), options.settings(set_))
    pinned, label = pinned_protocol(protocol, over.protocol), plugins.label(dataset)
    sources = options.sources(data, workers, skip_broken=True)
    steps = ready_steps(pinned, over.datasets, sources, [dataset], options.say)
    done, failures = prepare_dataset(
        dataset, over.datasets.get(dataset, {}), pinned, steps, sources, options.say
    )
    folder = to or Path(f"report-{label}-{pinned.name}")
    page = write_report(folder, label, pinned, done, failures, sources.workers, options.say)
    typer.echo(f"{len(done)} of {len(done) + len(failures)} cases, outliers first: {page}")
    if failures:
        raise PartialFailure(f"{len(failures)} cases cannot be prepared", hint="the page names them all")


def export(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them.")],
    to: Annotated[Path, typer.Option("--to", help="The folder of the dataset that is written.")],
    data: options.Data = [],  # noqa: B006  # typer copies it
    cases: Annotated[
        str, typer.Option("--cases", help="Case ids (or DATASET/ID), with commas; default: all test cases.")
    ] = "",
    thresholded: Annotated[
        str, typer.Option("--thresholded", help="A threshold rule of the run: also write masks.")
    ] = "",
    workers: options.Workers = 0,
) -> None:
    """Write anomaly maps as NIfTI on each scan's own grid, with the names of a BIDS derivative dataset."""
    from uad_bench.errors import PartialFailure, UsageError
    from uad_bench.results.export_bids import export as write_all
    from uad_bench.results.run_directory import find_runs

    options.show_log()
    complete = [run for run in find_runs(runs) if run.state == "complete"]
    if not complete:
        raise UsageError("no complete run", where=", ".join(map(str, runs)), hint="finish one with --resume")
    done, failed = write_all(
        complete, to, options.sources(data, workers), options.names(cases), thresholded, options.say
    )
    typer.echo(f"{done} maps of {len(complete)} runs, in {to}")
    for error in failed:
        typer.echo(f"  {error}", err=True)
    if failed:
        raise PartialFailure(f"{len(failed)} maps cannot be written", hint="see the lines above")
