"""`export`: anomaly maps as NIfTI with BIDS names, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options


def export(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them.")],
    to: options.Derivatives,
    data: options.Data = [],
    cases: Annotated[
        str,
        typer.Option(
            "--cases", help="Case ids (or DATASET/ID), separated by commas, or all; default: all test cases."
        ),
    ] = "",
    thresholded: Annotated[
        str,
        typer.Option(
            "--thresholded",
            help="A threshold rule of the run: also write the masks that it gives, for cases of test datasets; "
            "default: none.",
        ),
    ] = "",
    prepared_grid: Annotated[
        bool,
        typer.Option("--prepared-grid", help="Maps on the protocol's grid, bit by bit, not on the scan's."),
    ] = False,
    workers: options.Workers = 0,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write anomaly maps as NIfTI on the grid of each original scan, with BIDS derivative names."""
    from uad_bench.errors import PartialFailure
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.results.export_bids import export as write_all
    from uad_bench.results.find_runs import complete_runs
    from uad_bench.results.readable import check_readable

    options.show_messages(quiet, verbose)
    complete, left_out = complete_runs(runs)
    for run in complete:
        require_installed_code(run, [*trust, *options.dataset_names(data)])
        check_readable(run)
    here, wanted = options.sources(data, workers), options.names(cases)
    done, failed = write_all(complete, to, here, wanted, thresholded, prepared_grid=prepared_grid)
    typer.echo(f"{done} maps of {len(complete)} runs, in {to}")
    for error in failed:
        typer.echo(f"  {error}", err=True)
    if failed:
        raise PartialFailure(f"{len(failed)} maps or runs cannot be exported", hint="see the lines above")
    if left_out:
        what = f"{left_out} of {left_out + len(complete)} runs are not complete and are left out"
        raise PartialFailure(what, hint="see the lines above; finish them with --resume")
