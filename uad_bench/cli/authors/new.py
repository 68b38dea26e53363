"""`new`: the package of a new plug-in."""

import shlex
from pathlib import Path
from typing import Annotated

import typer


def kinds(incomplete: str) -> list[str]:
    """The kinds of plug-ins whose names begin so, for the completion of a shell."""
    from uad_bench.plugins import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def new(
    kind: Annotated[str, typer.Argument(help="method, dataset or metric.", autocompletion=kinds)],
    name: Annotated[
        str, typer.Argument(help="Its name for users: lower-case letters, digits and single hyphens.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="The folder that is written; default: uad-NAME.")
    ] = None,
) -> None:
    """Write the package of a new method, dataset or metric: a class that works, entry point, tests, CI.

    The class is an example. Replace it by yours; the tests and `uad-bench check` say whether it keeps its promises.
    """
    from uad_bench.template.package import write_package

    folder = to or Path(f"uad-{name}")
    for path in write_package(kind, name, folder):
        typer.echo(f"written: {path}")
    typer.echo(
        f"next: cd {shlex.quote(str(folder))}; pip install -e '.[test]'; pytest; uad-bench list {kind}s"
    )
