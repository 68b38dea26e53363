"""`doctor`: versions, device and data folders of this machine."""

import typer

from uad_bench.cli import options


def doctor(data: options.Data = []) -> None:
    """Print versions, device, threads, data folders and broken plug-ins of this installation."""
    from uad_bench import plugins
    from uad_bench.support import environment
    from uad_bench.support.environment import resolve_device
    from uad_bench.support.package_files import shipped

    found = environment.describe(resolve_device("auto"), environment.threads())
    for key in ("python", "platform", "device", "device_name", "threads", "bf16"):
        typer.echo(f"{key:<12} {found[key]}")
    for package in environment.PACKAGES:
        typer.echo(f"{package:<12} {found['packages'].get(package, 'MISSING')}")
    typer.echo(f"{'pages':<12} {shipped('docs')}")
    sources = options.sources(data, 1)
    typer.echo(f"{'cache':<12} {sources.cache}")
    for entry in plugins.catalogue().names("dataset"):
        root = sources.named_root(entry.name)
        missing = " (no such folder)" if root and not root.is_dir() else ""
        typer.echo(f"{'data':<12} {entry.name}: {root or 'no folder named'}{missing}")
    for broken in plugins.catalogue().broken:
        typer.echo(f"broken plug-in {broken.name} [{broken.source}]: {broken.reason}")
