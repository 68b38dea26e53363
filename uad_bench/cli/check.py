"""`check`: whether a plug-in keeps the promises of its contract."""

from typing import Annotated

import typer


def check(
    name: Annotated[str, typer.Argument(help="A method or dataset: name, module:Class or .py file.")],
    data: Annotated[
        str, typer.Option("--data", help="The folder of a dataset that does not make its own.")
    ] = "",
) -> None:
    """Hold a method or a dataset against every promise of its contract, a method on a toy brain."""
    from pathlib import Path

    from uad_bench import plugins
    from uad_bench.errors import PluginError
    from uad_bench.testing import check_dataset, check_method

    is_dataset = ("dataset", name) in plugins.catalogue().entries or bool(data) or _is_dataset_class(name)
    kind = "dataset" if is_dataset else "method"
    results = check_dataset(name, Path(data) if data else None) if is_dataset else check_method(name)
    for result in results:
        typer.echo(f"{result.status:<12} {result.promise}{': ' if result.message else ''}{result.message}")
    broken = [result.promise for result in results if not result.ok]
    if broken:
        what = f"{kind} {name!r} breaks {len(broken)} of {len(results)} promises"
        raise PluginError(what, where=", ".join(broken), code="UB410")
    unseen = [result for result in results if result.status == "not checked"]
    if unseen:
        more = ": add --data FOLDER" if kind == "dataset" and not data else ""
        typer.echo(
            f"{kind} {name!r}: {len(results) - len(unseen)} promises kept, {len(unseen)} not checked{more}"
        )
    else:
        typer.echo(f"{kind} {name!r} keeps its promises")


def _is_dataset_class(name: str) -> bool:
    """Whether a module:Class or a file, which no plug-in registered, is a dataset."""
    from uad_bench import plugins
    from uad_bench.errors import UadError

    try:
        plugins.load(plugins.resolve("dataset", name))
    except UadError:
        return False
    return True
