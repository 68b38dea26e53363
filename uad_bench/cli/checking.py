"""`check` and `doctor`: is a plug-in true to its contract, is this machine fit."""

from typing import Annotated

import typer

from uad_bench.cli import options


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


def doctor(data: options.Data = []) -> None:  # noqa: B006  # typer copies it
    """Say what this machine has: versions, device, threads, data roots, broken plug-ins."""
    from uad_bench import plugins
    from uad_bench.method.context import resolve_device
    from uad_bench.support import environment

    found = environment.describe(resolve_device("auto"), environment.threads())
    for key in ("python", "platform", "device", "device_name", "threads", "bf16"):
        typer.echo(f"{key:<12} {found[key]}")
    for package in environment.PACKAGES:
        typer.echo(f"{package:<12} {found['packages'].get(package, 'MISSING')}")
    sources = options.sources(data, 1)
    typer.echo(f"{'cache':<12} {sources.cache}")
    for entry in plugins.catalogue().names("dataset"):
        root = sources.named_root(entry.name)
        missing = " (no such folder)" if root and not root.is_dir() else ""
        typer.echo(f"{'data':<12} {entry.name}: {root or 'no folder named'}{missing}")
    for broken in plugins.catalogue().broken:
        typer.echo(f"broken plug-in {broken.name} [{broken.source}]: {broken.reason}")
