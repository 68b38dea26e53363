"""`leaderboard`: tables of the results of runs, and an explanation of why two runs are not ranked together."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from uad_bench.errors import UadError
    from uad_bench.leaderboard.table import Reported, Table
    from uad_bench.results.run_directory import RunDir


def leaderboard(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUNS]...", help="Folders of runs, or `why RUN RUN`.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown, csv, latex, json or html.")
    ] = "text",
    to: Annotated[Path | None, typer.Option("--to", help="Write to this file; default: stdout.")] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="FOLDER",
            help="Also write figures (PNG and SVG) to this folder; default: none.",
        ),
    ] = None,
) -> None:
    """Compare all complete runs: mean, standard deviation and confidence interval, one ranking per fingerprint.

    `uad-bench leaderboard why RUN RUN [FOLDERS]...` explains why two runs are not ranked together. A run is given by
    its folder, or by a part of its name that is unique among the runs in FOLDERS (default: ./runs).
    """
    if runs and str(runs[0]) == "why":
        return why(runs[1:])
    return _leaderboard(runs or [], format_, to, plots)


def _leaderboard(runs: "Sequence[Path]", format_: str, to: Path | None, plots: Path | None) -> None:
    from uad_bench.errors import IntegrityError, PartialFailure
    from uad_bench.leaderboard.render.render import render
    from uad_bench.results.find_runs import find_runs
    from uad_bench.results.run_directory import EDITED
    from uad_bench.support.atomic_files import write_text

    found = find_runs(runs or [Path("runs")])
    if not (runs or found):
        hint = "run a method first (uad-bench run METHOD), or give a folder of runs"
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
            f"{len(refused)} of {len(found)} runs failed the integrity check and are left out",
            "see the lines above",
        )
        if any(error.code == EDITED for error in refused):
            raise IntegrityError(what, hint=hint, code=EDITED)
        raise PartialFailure(what, hint=hint)


def print_tables(runs: "Sequence[RunDir]") -> None:
    """Print the leaderboard of some runs to the terminal."""
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
    """The tables of some runs with reported results; runs that fail the integrity check are printed and left out."""
    from uad_bench.leaderboard import aggregate
    from uad_bench.leaderboard.collect import collect

    found = collect(runs)
    for error in found.refused:
        typer.echo(f"left out: {error}", err=True)
    return aggregate.tables(found.runs, _reported()), found.refused


def _reported() -> "list[Reported]":
    """Results reported in papers."""
    from uad_bench.leaderboard import published
    from uad_bench.support.package_files import shipped

    return published.read(shipped("leaderboard/published"))


def why(words: Sequence[Path]) -> None:
    """Print why two runs are comparable or not; words: the two runs, then folders in which they are searched.

    Raises UsageError with fewer than two words, and where a word matches no run or several.
    """
    from uad_bench.errors import UsageError
    from uad_bench.leaderboard.collect import summarise
    from uad_bench.leaderboard.comparability import explain

    if len(words) < 2:
        hint = "uad-bench leaderboard why RUN RUN [FOLDERS]..."
        raise UsageError(f"`leaderboard why` takes two runs, got {len(words)}", hint=hint)
    one, other = (summarise(_find(str(word), words[2:] or [Path("runs")])) for word in words[:2])
    for line in explain(one, other):
        typer.echo(line)


def _find(word: str, folders: Sequence[Path]) -> "RunDir":
    """The run in the folder `word`, or the only run in `folders` whose name contains `word`."""
    from uad_bench.errors import UsageError, unknown_name
    from uad_bench.results.find_runs import find_runs

    if Path(word).is_dir():
        found, known = find_runs([Path(word)]), []
    else:
        known = find_runs([folder for folder in folders if folder.is_dir()])
        found = [run for run in known if word in run.name]
    exact = [run for run in found if run.name == word]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        names = [run.name for run in known]
        near = get_close_matches(word, names, n=3, cutoff=0.4) or names[:3]
        raise unknown_name("run", word, near, hint="give its folder or a part of its name")
    first = ", ".join(run.name for run in found[:3]) + (" ..." if len(found) > 3 else "")
    raise UsageError(f"{word!r} matches {len(found)} runs: {first}", hint="give the folder of one run")
