"""`list`, `show` and `schema`: what there is, and what it takes."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from uad_bench.plugins import Entry


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="methods, datasets, metrics or protocols.")
    ] = "",
) -> None:
    """List methods, datasets, metrics and protocols, and what is broken."""
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
    from uad_bench.config import protocol_names
    from uad_bench.support import strict_yaml

    return [
        (name, str(strict_yaml.read(path).get("summary", "")), "") for name, path in protocol_names().items()
    ]


def _section(title: str, rows: list[tuple[str, str, str]]) -> None:
    typer.echo(f"{title}:")
    for name, summary, source in rows:
        origin = f"  [{source}]" if source and source != "uad-bench" else ""
        typer.echo(f"  {name:<14} {' '.join(summary.split())}{origin}")


def show(
    name: Annotated[str, typer.Argument(help="A method, dataset, metric or protocol.")],
    protocol: Annotated[
        str, typer.Option("--protocol", "-p", help="Whose presets are shown for a method.")
    ] = "",
) -> None:
    """Show one thing in full: parameters with their values, paper, where it comes from."""
    from uad_bench import plugins
    from uad_bench.config import default_protocol, load_protocol, protocol_names
    from uad_bench.pipeline.method_names import find_method

    if name in protocol_names() or name.endswith((".yaml", ".yml")):
        _show_protocol(name)
        return
    others = [e for kind in ("dataset", "metric") if (e := plugins.catalogue().entries.get((kind, name)))]
    if others:
        _show_plugin(others[0], plugins.load(others[0]), {})
        return
    asked = find_method(name)
    preset = asked.preset(load_protocol(protocol or default_protocol()))
    _show_plugin(asked.entry, asked.cls, {**preset, **asked.chosen})


def _show_protocol(name: str) -> None:
    from uad_bench.config import load_protocol
    from uad_bench.support import strict_yaml

    protocol = load_protocol(name)
    typer.echo(f"# protocol {protocol.name} version {protocol.version}, fingerprint {protocol.fingerprint}")
    typer.echo(strict_yaml.dump(protocol.model_dump(mode="json")), nl=False)


def _show_plugin(entry: "Entry", cls: type[Any], preset: Mapping[str, Any]) -> None:
    from uad_bench.config import checked_parameters, parameters_model

    typer.echo(f"{entry.kind} {entry.name}: {entry.summary}\n  class      {entry.target} [{entry.source}]")
    for fact in ("paper", "modalities", "about", "variants"):
        if getattr(cls, fact, None):
            typer.echo(f"  {fact:<10} {getattr(cls, fact)}")
    types = parameters_model(cls).model_fields
    for key, value in checked_parameters(cls, {}, entry.name).items():
        usual = f"   (here: {preset[key]!r})" if key in preset else ""
        kind = getattr(types[key].annotation, "__name__", str(types[key].annotation))
        typer.echo(f"  --set {entry.name}.{key}={value!r}   {kind}{usual}")
    for line in (cls.__doc__ or "").strip().splitlines():
        typer.echo(f"  {line.strip()}")


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
