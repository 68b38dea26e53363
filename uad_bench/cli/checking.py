"""`check` and `doctor`: is a plug-in true to its contract, is this machine fit."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from uad_bench.cli import options


def check(
    name: Annotated[str, typer.Argument(help="A method or dataset: name, module:Class or .py file.")],
) -> None:
    """Hold a method or a dataset against every promise of its contract, on a toy brain."""
    from uad_bench import plugins
    from uad_bench.errors import PluginError
    from uad_bench.testing import run_checks

    kind: plugins.Kind = "dataset" if ("dataset", name) in plugins.catalogue().entries else "method"
    from uad_bench.executor import find_method

    cls: type[Any]
    chosen: Mapping[str, Any]
    if kind == "dataset":
        cls, chosen = plugins.load(plugins.resolve(kind, name)), {}
    else:
        _, cls, chosen = find_method(name)
    broken = []
    for result in run_checks(kind, cls, name, chosen):
        typer.echo(
            f"{'ok  ' if result.ok else 'FAIL'} {result.promise}{'' if result.ok else ': ' + result.message}"
        )
        if not result.ok:
            broken.append(result.promise)
    if broken:
        raise PluginError(
            f"{kind} {name!r} breaks {len(broken)} promises", where=", ".join(broken), code="UB410"
        )
    typer.echo(f"{kind} {name!r} keeps every promise")


def doctor(data: options.Data = []) -> None:  # noqa: B006  # typer copies it
    """Say what this machine has: versions, device, threads, data roots, broken plug-ins."""
    from uad_bench import machine, plugins
    from uad_bench.method.context import resolve_device

    found = machine.describe(resolve_device("auto"), machine.threads())
    for key in ("python", "platform", "device", "device_name", "threads"):
        typer.echo(f"{key:<12} {found[key]}")
    for package in machine.PACKAGES:
        typer.echo(f"{package:<12} {found['packages'].get(package, 'MISSING')}")
    sources = options.sources(data, 1)
    typer.echo(f"{'cache':<12} {sources.cache}")
    for entry in plugins.catalogue().names("dataset"):
        typer.echo(f"{'data':<12} {entry.name}: {sources.named_root(entry.name) or 'no folder named'}")
    for broken in plugins.catalogue().broken:
        typer.echo(f"broken plug-in {broken.name} [{broken.source}]: {broken.reason}")
