"""`evaluate` and `leaderboard`: numbers again from stored maps, and tables of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uad_bench.cli import options
from uad_bench.cli.comparing import why

if TYPE_CHECKING:
    from uad_bench.errors import UadError
    from uad_bench.leaderboard.table import Reported, Table
    from uad_bench.results.run_directory import RunDir


def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them.")],
    data: options.Data = [],  # noqa: B006  # typer copies it
    set_: options.Set = [],  # noqa: B006
    workers: options.Workers = 0,
) -> None:
    """Measure stored maps again, without training: new metrics, thresholds or post-processing.

    With --set protocol.postprocess=... the numbers go to a run of their own, because they are another protocol's.
    """
    from uad_bench.pipeline.reevaluate import reevaluate
    from uad_bench.results.run_directory import find_runs

    done = [
        reevaluate(directory, options.settings(set_), options.sources(data, workers), options.say)
        for directory in find_runs(runs)
        if directory.state == "complete"
    ]
    print_tables(done)


def leaderboard(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUNS]...", help="Folders of runs; or `why RUN RUN`.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown, csv, latex, json or html.")
    ] = "text",
    to: Annotated[Path | None, typer.Option("--to", help="Write to this file instead of the screen.")] = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="FOLDER", help="Also draw figures, PNG and SVG, into it."),
    ] = None,
) -> None:
    """Table all complete runs: mean, deviation and interval over seeds, one ranking per fingerprint.

    `uad-bench leaderboard why RUN RUN [FOLDERS]...` says in words why two runs are not in one ranking. A run is its
    folder, or any part of its name that no other run in FOLDERS (by default ./runs) has.
    """
    if runs and str(runs[0]) == "why":
        return why(runs[1:])
    return _leaderboard(runs or [], format_, to, plots)


def _leaderboard(runs: "Sequence[Path]", format_: str, to: Path | None, plots: Path | None) -> None:
    from uad_bench.errors import IntegrityError, PartialFailure
    from uad_bench.leaderboard.render.render import render
    from uad_bench.results.run_directory import EDITED, find_runs
    from uad_bench.support.atomic_files import write_text

    found = find_runs(runs or [Path("runs")])
    if not (runs or found):
        hint = "run a method first (uad-bench run METHOD), or name a folder of runs"
        typer.echo(f"no runs in ./runs: {hint}", err=True)
    tables, refused = _tables(found)
    if format_ == "text" and to is None:
        _print(tables)
    else:
        text = render(tables, "markdown" if format_ == "text" else format_, _reported())
        typer.echo(text, nl=False) if to is None else write_text(to, text)
    if plots is not None:
        _draw(tables, plots)
    if refused:
        what, hint = (
            f"{len(refused)} of {len(found)} runs cannot be trusted and are left out",
            "see the lines above",
        )
        if any(error.code == EDITED for error in refused):
            raise IntegrityError(what, hint=hint, code=EDITED)
        raise PartialFailure(what, hint=hint)


def print_tables(runs: "Sequence[RunDir]") -> None:
    """The leaderboard of some runs, for a terminal."""
    _print(_tables(runs)[0])


def _print(tables: "Sequence[Table]") -> None:
    from rich.console import Console

    from uad_bench.leaderboard.render.terminal import rich_tables

    console = Console()
    if not tables:
        typer.echo("no results")
    for part in rich_tables(tables):
        console.print(part)


def _draw(tables: "Sequence[Table]", folder: Path) -> None:
    from uad_bench.figures.leaderboard_figures import draw_tables

    written = draw_tables(tables, folder)
    typer.echo(f"{len(written)} figures in {folder}", err=True)


def _tables(runs: "Sequence[RunDir]") -> "tuple[list[Table], tuple[UadError, ...]]":
    """The tables of some runs, beside reported numbers; runs that cannot be trusted are named and left out."""
    from uad_bench.leaderboard import aggregate
    from uad_bench.leaderboard.collect import collect

    found = collect(runs)
    for error in found.refused:
        typer.echo(f"left out: {error}", err=True)
    return aggregate.tables(found.runs, _reported()), found.refused


def _reported() -> "list[Reported]":
    """What papers printed."""
    from uad_bench.leaderboard import published
    from uad_bench.support.package_files import shipped

    return published.read(shipped("leaderboard/published"))
