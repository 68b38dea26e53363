"""`leaderboard`: tables of the results of runs, and an explanation of why two runs are not ranked together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from uad_bench.cli import options

if TYPE_CHECKING:
    from uad_bench.errors import UadError
    from uad_bench.leaderboard.collect import Collected
    from uad_bench.leaderboard.render.html import Links
    from uad_bench.leaderboard.table import Reported, Table
    from uad_bench.results.run_directory import RunDir
    from uad_bench.viewer.write import Written

Runs = Annotated[
    list[Path] | None, typer.Argument(metavar="[RUNS]...", help="Folders of runs, or `why RUN RUN`.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="text, markdown, csv, latex, json or html; default: by the ending of --to (.md, .csv, .tex, .json, "
        ".html), else text, which is Markdown in a file.",
    ),
]
To = Annotated[Path | None, typer.Option("--to", help="Write to this file; default: stdout.")]
Plots = Annotated[
    Path | None,
    typer.Option(
        "--plots",
        metavar="FOLDER",
        help="Also write figures (PNG and SVG) to this folder; default: none.",
    ),
]
Viewer = Annotated[
    int,
    typer.Option(
        "--viewer",
        metavar="N",
        min=0,
        help="Also write pages with the maps of N test cases of every table, from the worst to the best of its "
        "highest-ranked method with stored maps (3: worst, median, best); 0: none.",
    ),
]
ViewerFolder = Annotated[
    Path | None,
    typer.Option(
        "--viewer-to",
        metavar="FOLDER",
        help="The folder of the viewer; default: viewer, next to the file of --to, else in this folder.",
    ),
]
Tracks = Annotated[
    list[str] | None,
    typer.Option(
        "--track",
        metavar="TRACK",
        help="Only methods of this track: healthy, features, synthetic, transductive or weak; repeat it for more. "
        "Default: all, each with a ranking of its own.",
    ),
]


def leaderboard(
    runs: Runs = None,
    format_: Format = "",
    to: To = None,
    plots: Plots = None,
    viewer: Viewer = 0,
    viewer_to: ViewerFolder = None,
    track: Tracks = None,
    data: options.Data = [],
    trust: options.Trust = [],
) -> None:
    """Compare all complete runs: mean, standard deviation and confidence interval, one ranking per protocol and track.

    `uad-bench leaderboard why RUN RUN [FOLDERS]...` explains why two runs are not ranked together. A run is given by
    its folder, or by a part of its name that is unique among the runs in FOLDERS (default: ./runs).
    """
    if runs and str(runs[0]) == "why":
        from uad_bench.cli.leaderboard_why import why

        return why(runs[1:])
    place = viewer_to or (to.parent if to else Path()) / "viewer"
    request = ViewerRequest(viewer, place, data, trust)
    return _leaderboard(runs or [], (format_, to), plots, request, _known_tracks(track or []))


@dataclass(frozen=True)
class ViewerRequest:
    """What the options say of the viewer. count: cases of each table, 0 for no viewer; data, trust: as in `draw`."""

    count: int
    folder: Path
    data: list[str]
    trust: list[str]


def _leaderboard(
    runs: "Sequence[Path]",
    output: tuple[str, Path | None],
    plots: Path | None,
    viewer: ViewerRequest,
    tracks: Sequence[str],
) -> None:
    from uad_bench.leaderboard.render.render import format_for
    from uad_bench.results.find_runs import find_runs

    to = output[1]
    format_ = format_for(*output)
    found = find_runs(runs or [Path("runs")])
    if not found:
        hint = "run a method first (uad-bench run METHOD), or give a folder of runs"
        typer.echo(f"no runs in {', '.join(map(str, runs)) or './runs'}: {hint}", err=True)
    collected = _of_tracks(_collected(found), tracks)
    tables = _tables(collected)
    shown = _write_viewer(tables, collected, viewer) if viewer.count else None
    logs_left_out = 0
    if format_ == "text" and to is None:
        _print(tables)
    elif format_ == "html":
        logs_left_out = _write_page(tables, collected, to, _links(shown, viewer, to))
    else:
        _write_tables(tables, format_, to)
    if plots is not None:
        _draw(tables, plots)
    require_all(len(found), collected.refused, len(shown.errors) if shown else 0, logs_left_out)


def _known_tracks(names: Sequence[str]) -> Sequence[str]:
    """The names of tracks. Raises UsageError for one that does not exist."""
    from uad_bench.errors import unknown_name
    from uad_bench.types import TRACKS

    for name in names:
        if name not in TRACKS:
            raise unknown_name("track", name, TRACKS)
    return names


def _of_tracks(collected: "Collected", tracks: Sequence[str]) -> "Collected":
    """The runs of some tracks, with the controls, which are in all of them; all runs without a track."""
    if not tracks:
        return collected
    pairs = list(zip(collected.runs, collected.directories, strict=True))
    kept = [(run, folder) for run, folder in pairs if run.null or run.track in tracks]
    left = sum(not run.null for run, _ in pairs) - sum(not run.null for run, _ in kept)
    typer.echo(f"{left} runs of other tracks are not shown (--track {', '.join(tracks)})", err=True)
    return replace(
        collected, runs=tuple(run for run, _ in kept), directories=tuple(folder for _, folder in kept)
    )


def require_all(runs: int, refused: "Sequence[UadError]", left_out: int = 0, logs: int = 0) -> None:
    """Raise IntegrityError or PartialFailure for refused runs, PartialFailure for what viewer or page lack."""
    from uad_bench.errors import IntegrityError, PartialFailure
    from uad_bench.results.run_directory import EDITED

    hint = "see the lines above"
    if refused:
        what = f"{len(refused)} of {runs} runs failed the integrity check and are left out"
        if any(error.code == EDITED for error in refused):
            raise IntegrityError(what, hint=hint, code=EDITED)
        raise PartialFailure(what, hint=hint)
    if left_out:
        raise PartialFailure(f"{left_out} cases, runs or tables are left out of the viewer", hint=hint)
    if logs:
        raise PartialFailure(f"the training curves of {logs} runs are left out of the page", hint=hint)


def _write_tables(tables: "Sequence[Table]", format_: str, to: Path | None) -> None:
    from uad_bench.leaderboard.render.render import render

    _write(render(tables, "markdown" if format_ == "text" else format_, _reported()), to)


def _write_page(tables: "Sequence[Table]", collected: "Collected", to: Path | None, links: "Links") -> int:
    """Write the HTML page; the number of runs whose training curve is left out, each said on stderr."""
    from uad_bench.leaderboard.render.html import html_page
    from uad_bench.leaderboard.row_training import row_training

    options.show_messages()
    training, errors = row_training(tables, collected)
    _write(html_page(tables, links, training), to)
    return len(errors)


def _write(text: str, to: Path | None) -> None:
    from uad_bench.support.atomic_files import write_text

    typer.echo(text, nl=False) if to is None else write_text(to, text)


def _write_viewer(tables: "Sequence[Table]", collected: "Collected", viewer: ViewerRequest) -> "Written":
    """Write the viewer. Raises IntegrityError for a run that names code which is neither installed nor trusted."""
    from uad_bench.pipeline.foreign_code import require_installed_code
    from uad_bench.viewer.write import write_viewer

    options.show_messages()
    known = [*viewer.trust, *options.dataset_names(viewer.data)]
    for run, summary in zip(collected.directories, collected.runs, strict=True):
        if summary.complete:
            require_installed_code(run, known)
    sources = options.sources(viewer.data, 0)
    written = write_viewer(tables, collected, viewer.count, viewer.folder, sources)
    typer.echo(f"viewer: {viewer.folder / 'index.html'} ({written.cases} cases)", err=True)
    return written


def _links(shown: "Written | None", viewer: ViewerRequest, to: Path | None) -> "Links":
    """The address of each case in the viewer, seen from the page; none where the page goes to stdout."""
    if shown is None or to is None:
        return {}
    path = Path(os.path.relpath(viewer.folder.resolve(), to.resolve().parent)).as_posix()
    folder = quote(path, errors="surrogateescape")  # a name may hold #, ? or %
    return {
        key: {case: f"{folder}/index.html{link}" for case, link in cases.items()}
        for key, cases in shown.links.items()
    }


def print_tables(runs: "Sequence[RunDir]") -> "Sequence[UadError]":
    """Print the leaderboard of some runs to the terminal; the errors of those that are left out."""
    collected = _collected(runs)
    _print(_tables(collected))
    return collected.refused


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


def _collected(runs: "Sequence[RunDir]") -> "Collected":
    """Summaries of some runs; those that fail the integrity check are printed and left out."""
    from uad_bench.leaderboard.collect import collect

    found = collect(runs)
    for error in found.refused:
        typer.echo(f"left out: {error}", err=True)
    return found


def _tables(collected: "Collected") -> "list[Table]":
    """The tables of some runs with reported results."""
    from uad_bench.leaderboard import aggregate

    return aggregate.tables(collected.runs, _reported())


def _reported() -> "list[Reported]":
    """Results reported in papers."""
    from uad_bench.leaderboard import published
    from uad_bench.support.package_files import shipped

    return published.read(shipped("leaderboard/published"))
