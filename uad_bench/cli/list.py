"""`list` and `schema`: the registered methods, datasets and metrics, the protocols, and their JSON schemas."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="methods, datasets, metrics or protocols; default: all.")
    ] = "",
) -> None:
    """List methods, datasets, metrics and protocols, and the plug-ins that cannot be loaded."""
    from uad_bench import plugins
    from uad_bench.errors import unknown_name

    kinds = [f"{k}s" for k in plugins.KINDS] + ["protocols"]
    if kind and kind not in kinds:
        raise unknown_name("kind", kind, kinds)
    found = plugins.catalogue()
    for one in plugins.KINDS:
        if kind in ("", f"{one}s"):
            _section(f"{one}s", [(e.name, e.summary, e.source) for e in found.names(one)])
    if kind in ("", "protocols"):
        _section("protocols", _protocols())
    if found.broken:
        _section("broken", [(b.name, b.reason, b.source) for b in found.broken])


def _protocols() -> list[tuple[str, str, str]]:
    from uad_bench.support.package_files import protocol_files

    return [(name, _summary(path), "") for name, path in protocol_files().items()]


def _summary(path: Path) -> str:
    """The summary of a shipped protocol: one line of its file, since the whole file takes long to parse."""
    from uad_bench.support import strict_yaml

    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((line for line in lines if line.startswith("summary:")), "summary: ''")
    return str(strict_yaml.parse(line, str(path))["summary"])


def _section(title: str, rows: list[tuple[str, str, str]]) -> None:
    typer.echo(f"{title}:")
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, summary, source in rows:
        origin = f"  [{source}]" if source and source != "uad-bench" else ""
        typer.echo(f"  {name:<{width}}  {' '.join(summary.split())}{origin}")


def schema(
    what: Annotated[str, typer.Argument(help="protocol, run, config, or a method's name.")] = "protocol",
) -> None:
    """Print the JSON schema of a configuration, for editors and checks."""
    from uad_bench import config, plugins

    models: dict[str, type[BaseModel]] = {
        "protocol": config.Protocol,
        "run": config.RunSpec,
        "config": config.Overrides,
    }
    if what not in models:
        models[what] = config.parameters_model(plugins.load(plugins.resolve("method", what)))
    typer.echo(json.dumps(models[what].model_json_schema(), indent=2))
