"""`draw`: figures of finished runs: components of anomaly maps, training curves, methods side by side."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from uad_bench.cli import options

log = logging.getLogger(__name__)

app = typer.Typer(help="Draw figures of finished runs.", no_args_is_help=True)

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders that contain runs.")
]
Cases = Annotated[
    str,
    typer.Option(
        "--cases", help="Test case ids (or DATASET/ID), separated by commas; default: typical cases."
    ),
]
TestSet = Annotated[str, typer.Option("--test", help="Test dataset; default: the first one of the run.")]


@app.command("inside")
def inside(
    runs: Runs,
    data: options.Data = [],
    cases: Cases = "",
    count: Annotated[int, typer.Option("--count", help="Number of typical cases.", min=1)] = 6,
    test: TestSet = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Output folder for a single run; default: the folder of each run."),
    ] = None,
    device: options.Device = "auto",
    threads: Annotated[int, typer.Option("--threads", help="Number of CPU threads; 0: all.", min=0)] = 0,
    workers: options.Workers = 0,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what the anomaly map is made of: components, their distribution in and outside lesions, displacements.

    The model of each run is loaded and its `components` are computed for a few test cases (docs/pictures.md).
    """
    from uad_bench.errors import UadError, UsageError
    from uad_bench.pipeline.explain import CaseSelection, explain
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.results.find_runs import complete_runs
    from uad_bench.results.readable import check_readable
    from uad_bench.support import environment
    from uad_bench.support.environment import resolve_device

    options.show_messages(quiet, verbose)
    complete, left_out = complete_runs(runs)
    if to and len(complete) > 1:
        raise UsageError(f"--to is for one run, got {len(complete)}", hint="give one run, or omit --to")
    sources, selection = options.sources(data, workers), CaseSelection(options.names(cases), count, test)
    known, device = [*trust, *options.dataset_names(data)], resolve_device(device)
    for run in complete:
        place = Workplace(run.path, sources, device, threads or environment.threads())
        try:
            require_installed_code(run, known, method=True)
            check_readable(run)
            paths, errors = explain(run, selection, place, to or run.path)
        except UadError as error:
            if len(complete) == 1:
                raise
            log.error("not drawn: %s", error)
            paths, errors = [], [error]
        left_out += len(errors)
        for path in paths:
            typer.echo(f"picture: {path}")
    _require_all(left_out)


@app.command("training")
def training(
    runs: Runs,
    to: Annotated[Path, typer.Option("--to", help="Output file (PNG).")] = Path("training.png"),
) -> None:
    """Show training curves, the seeds of a method in one plot; also for runs that are not complete."""
    from uad_bench.errors import UsageError
    from uad_bench.figures.run_figures import draw_training
    from uad_bench.results.find_runs import find_runs

    if not draw_training(find_runs(runs), _png(to)):
        hint = "only methods that train in steps have training curves"
        raise UsageError("none of the runs has training curves", where=", ".join(map(str, runs)), hint=hint)
    typer.echo(f"picture: {to}")


@app.command("methods")
def methods(
    runs: Runs,
    data: options.Data = [],
    cases: Cases = "",
    test: TestSet = "",
    to: Annotated[Path, typer.Option("--to", help="Output file (PNG).")] = Path("methods.png"),
    workers: options.Workers = 0,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the stored maps of all methods on the same test cases, side by side; the lowest seed of each method."""
    from uad_bench.figures.compare_methods import compare_methods
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.results.find_runs import complete_runs
    from uad_bench.results.readable import check_readable

    options.show_messages(quiet, verbose)
    found, left_out = complete_runs(runs)
    for run in found:
        require_installed_code(run, [*trust, *options.dataset_names(data)])
        check_readable(run)
    count, errors = compare_methods(
        found, options.names(cases), test, options.sources(data, workers), _png(to)
    )
    typer.echo(f"picture: {to} ({count} methods)")
    _require_all(left_out + len(errors))


def _require_all(left_out: int) -> None:
    """Raise PartialFailure where cases or runs are left out."""
    from uad_bench.errors import PartialFailure

    if left_out:
        what = f"{left_out} cases or runs are left out of the figures"
        raise PartialFailure(what, hint="see the lines above")


def _png(path: Path) -> Path:
    from uad_bench.errors import UsageError

    if path.suffix.lower() != ".png":
        raise UsageError(f"--to {str(path)!r} is not a PNG file", hint="give a name that ends in .png")
    return path
