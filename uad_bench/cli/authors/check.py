"""`check`: whether a plug-in keeps the promises of its interface."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from uad_bench.plugins import Kind
    from uad_bench.testing import CheckResult


def check(
    name: Annotated[
        str, typer.Argument(help="A method, dataset or metric: name, module:Class or .py file; NAME:VARIANT.")
    ],
    data: Annotated[
        str,
        typer.Option("--data", help="The folder of a dataset; default: the one that it generates itself."),
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            help="method, dataset or metric; needed only if a name or a file has several; default: what it is.",
        ),
    ] = "",
) -> None:
    """Run the conformance checks of a method, dataset or metric.

    A method is fitted on toy scans, a metric computed for toy maps; a dataset is checked on the data in its folder.
    """
    from uad_bench.errors import PluginError

    found = _kind(name, kind, data)
    results = _results(found, name, data)
    for result in results:
        typer.echo(f"{result.status:<12} {result.promise}{': ' if result.message else ''}{result.message}")
    broken = [result.promise for result in results if not result.ok]
    if broken:
        what = f"{found} {name!r} breaks {len(broken)} of {len(results)} promises"
        raise PluginError(what, where=", ".join(broken), code="UB410")
    unchecked = sum(result.status == "not checked" for result in results)
    if unchecked:
        more = ": add --data FOLDER" if found == "dataset" and not data else ""
        kept = len(results) - unchecked
        typer.echo(f"{found} {name!r}: {kept} promises kept, {unchecked} not checked{more}")
    else:
        typer.echo(f"{found} {name!r} keeps its promises")


def _results(kind: "Kind", name: str, data: str) -> "list[CheckResult]":
    from uad_bench.testing import check_dataset, check_method, check_metric

    if kind == "dataset":
        return check_dataset(name, Path(data) if data else None)
    return check_metric(name) if kind == "metric" else check_method(name)


def _kind(name: str, given: str, data: str) -> "Kind":
    """The kind of a plug-in: the given one, the one that a name is registered as, or that of the class.

    Raises UsageError for an unknown kind.
    """
    from uad_bench import plugins
    from uad_bench.errors import unknown_name

    kinds: tuple[Kind, ...] = ("dataset", "method", "metric")
    if given:
        if given not in kinds:
            raise unknown_name("kind", given, kinds)
        return kinds[kinds.index(given)]
    entries, base = plugins.catalogue().entries, name.partition(":")[0]
    registered = [kind for kind in kinds if (kind, base) in entries]
    if data or registered:
        return "dataset" if data else registered[0]
    return next((kind for kind in kinds if kind != "method" and _is_class_of(kind, name)), "method")


def _is_class_of(kind: "Kind", name: str) -> bool:
    """Whether a module:Class or a file, which no plug-in registered, has a class of this kind."""
    from uad_bench import plugins
    from uad_bench.errors import UadError

    try:
        plugins.load(plugins.resolve(kind, name))
    except UadError:
        return False
    return True
