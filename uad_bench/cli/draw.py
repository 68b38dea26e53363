"""`draw`: pictures of finished runs: what a method does inside, how it trained, all methods side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from uad_bench.results.run_directory import RunDir

app = typer.Typer(help="Pictures of finished runs.", no_args_is_help=True)

Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them.")]
Cases = Annotated[
    str, typer.Option("--cases", help="Test case ids (or DATASET/ID), with commas; default: typical ones.")
]
TestSet = Annotated[str, typer.Option("--test", help="Which test set; default: the run's first.")]


@app.command("inside")
def inside(
    runs: Runs,
    data: options.Data = [],
    cases: Cases = "",
    count: Annotated[int, typer.Option("--count", help="How many typical cases.", min=1)] = 6,
    test: TestSet = "",
    to: Annotated[
        Path | None, typer.Option("--to", help="A folder, for a single run; default: each run's own.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads; 0: all.", min=0)] = 0,
    workers: options.Workers = 0,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """What a map is made of: each component beside the scan, where lesions lie among them, predicted places.

    The model of each run is loaded and asked again; what it shows is its `components` (docs/plugins.md).
    """
    from uad_bench.errors import UsageError
    from uad_bench.pipeline.explain import Wish, explain
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.pipeline.run_job import Workplace
    from uad_bench.support import environment
    from uad_bench.support.environment import resolve_device

    options.show_messages(quiet, verbose)
    complete = _complete(runs)
    if to and len(complete) > 1:
        raise UsageError(f"--to is for one run, and these are {len(complete)}", hint="name one, or drop --to")
    sources, wish = options.sources(data, workers), Wish(options.names(cases), count, test)
    for run in complete:
        require_installed_code(run, [*trust, *options.dataset_names(data)], method=True)
        place = Workplace(run.path, sources, resolve_device(device), threads or environment.threads())
        for path in explain(run, wish, place, to or run.path):
            typer.echo(f"picture: {path}")


@app.command("training")
def training(
    runs: Runs,
    to: Annotated[Path, typer.Option("--to", help="The PNG that is written.")] = Path("training.png"),
) -> None:
    """Training curves, those of one method over each other; also of runs that are not complete."""
    from uad_bench.errors import UsageError
    from uad_bench.figures.run_figures import draw_training
    from uad_bench.results.run_directory import find_runs

    if not draw_training(find_runs(runs), _png(to)):
        hint = "only methods that learn in steps have curves"
        raise UsageError("no run here has trained", where=", ".join(map(str, runs)), hint=hint)
    typer.echo(f"picture: {to}")


@app.command("methods")
def methods(
    runs: Runs,
    data: options.Data = [],
    cases: Cases = "",
    test: TestSet = "",
    to: Annotated[Path, typer.Option("--to", help="The PNG that is written.")] = Path("methods.png"),
    workers: options.Workers = 0,
    trust: options.Trust = [],
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """All methods on the same test cases, side by side, from stored maps; of each, the run of the lowest seed."""
    from uad_bench.figures.compare_methods import beside
    from uad_bench.pipeline.foreign_code import require_installed_code

    options.show_messages(quiet, verbose)
    found = _complete(runs)
    for run in found:
        require_installed_code(run, [*trust, *options.dataset_names(data)])
    count = beside(found, options.names(cases), test, options.sources(data, workers), _png(to))
    typer.echo(f"picture: {to} ({count} methods)")


def _complete(roots: list[Path]) -> "list[RunDir]":
    from uad_bench.errors import UsageError
    from uad_bench.results.run_directory import find_runs

    complete = [run for run in find_runs(roots) if run.state == "complete"]
    if not complete:
        raise UsageError("no complete run", where=", ".join(map(str, roots)), hint="finish one with --resume")
    return complete


def _png(path: Path) -> Path:
    from uad_bench.errors import UsageError

    if path.suffix.lower() != ".png":
        raise UsageError(f"--to {str(path)!r} is no PNG", hint="end the name in .png")
    return path
