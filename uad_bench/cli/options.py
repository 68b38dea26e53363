"""Options that several verbs share, and how their texts become values."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uad_bench.errors import UsageError

if TYPE_CHECKING:
    from uad_bench.cohort import Sources

Protocol = Annotated[str, typer.Option("--protocol", "-p", help="A shipped protocol, or a .yaml file.")]
Data = Annotated[
    list[str], typer.Option("--data", help="NAME=FOLDER: where a dataset is. May stand several times.")
]
Set = Annotated[
    list[str],
    typer.Option("--set", help="METHOD.KEY=VALUE, DATASET.KEY=VALUE or protocol.KEY=VALUE. Repeatable."),
]
Test = Annotated[str, typer.Option("--test", help="Test sets, with commas; default: the protocol's.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where runs are kept.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes that prepare scans; 0: one a CPU.", min=0)]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave cases out that cannot be prepared.")]


def names(text: str) -> tuple[str, ...]:
    """`a,b` as ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def sources(data: list[str], workers: int, skip_broken: bool = False) -> "Sources":
    """The data sources of this machine. Raises UsageError for a --data that is not NAME=FOLDER."""
    from uad_bench import machine, plugins
    from uad_bench.cohort import Sources, default_cache

    roots = {}
    for item in data:
        name, equals, folder = item.partition("=")
        if not (name and equals and folder):
            raise UsageError(f"--data {item!r}", hint="write NAME=FOLDER")
        roots[plugins.resolve("dataset", name).name] = Path(folder).expanduser()
    return Sources(default_cache(), roots, workers or machine.threads(), skip_broken)


def settings(texts: list[str]) -> list[tuple[list[str], Any]]:
    """The --set options as (path, value)."""
    from uad_bench.config import assignment

    return [assignment(text) for text in texts]


def show_log(*, quiet: bool = False) -> None:
    """What the parts of the story have to tell goes to stderr, a line each; warnings also where it is quiet."""
    import logging
    import sys

    log = logging.getLogger("uad_bench")
    log.handlers = [logging.StreamHandler(sys.stderr)]
    log.setLevel(logging.WARNING if quiet else logging.INFO)


def say(text: str) -> None:
    """A line of progress, on stderr, so that stdout holds results only."""
    typer.echo(text, err=True)


def quiet(_text: str) -> None:
    """Say nothing."""
