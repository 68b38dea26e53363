"""`list`, `show` and `schema`: the registered methods, datasets and metrics, the protocols, and their parameters."""

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from uad_bench.evaluate.metric import Metric
    from uad_bench.plugins import Entry


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="methods, datasets, metrics or protocols.")
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
    from uad_bench.config import protocol_names
    from uad_bench.support import strict_yaml

    return [
        (name, str(strict_yaml.read(path).get("summary", "")), "") for name, path in protocol_names().items()
    ]


def _section(title: str, rows: list[tuple[str, str, str]]) -> None:
    typer.echo(f"{title}:")
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, summary, source in rows:
        origin = f"  [{source}]" if source and source != "uad-bench" else ""
        typer.echo(f"  {name:<{width}}  {' '.join(summary.split())}{origin}")


def show(
    name: Annotated[str, typer.Argument(help="A method, dataset, metric or protocol.")],
    protocol: Annotated[
        str, typer.Option("--protocol", "-p", help="The protocol whose presets of a method are shown.")
    ] = "",
) -> None:
    """Show a method, dataset, metric or protocol in full: parameters, formula, source, class."""
    from uad_bench import plugins
    from uad_bench.config import default_protocol, load_protocol, protocol_names
    from uad_bench.pipeline.method_names import find_method

    if name in protocol_names() or name.endswith((".yaml", ".yml")):
        _show_protocol(name)
        return
    if dataset := plugins.catalogue().entries.get(("dataset", name)):
        _show_plugin(dataset, plugins.load(dataset), {})
        return
    if metric := plugins.catalogue().entries.get(("metric", name)):
        _show_metric(metric, plugins.load(metric))
        return
    method = find_method(name)
    preset = method.preset(load_protocol(protocol or default_protocol()))
    _show_plugin(method.entry, method.cls, {**preset, **method.chosen})


def _show_protocol(name: str) -> None:
    from uad_bench.config import load_protocol
    from uad_bench.support import strict_yaml

    protocol = load_protocol(name)
    typer.echo(f"# protocol {protocol.name} version {protocol.version}, fingerprint {protocol.fingerprint}")
    typer.echo(strict_yaml.dump(protocol.model_dump(mode="json")), nl=False)


def _show_metric(entry: "Entry", cls: "type[Metric]") -> None:
    _show_entry(entry)
    for label, text in _metric_facts(cls).items():
        if text:
            typer.echo(f"  {label:<10} {text}")
    for line in _metric_text(cls).splitlines():
        typer.echo(f"  {line}".rstrip())


def _metric_text(cls: "type[Metric]") -> str:
    """The docstring of a metric without its example; for a member of a family, that of the family's class."""
    from uad_bench.evaluate.metric import Metric

    own = cls.__mro__[: cls.__mro__.index(Metric)]
    text = inspect.cleandoc(next((one.__doc__ for one in own if one.__doc__), ""))
    return text.partition("\n>>>")[0].rstrip()


def _metric_facts(cls: "type[Metric]") -> dict[str, str]:
    """What the class of a metric says about it, by label; "" where it says nothing."""
    from uad_bench.evaluate.metric import Metric, metric_name
    from uad_bench.evaluate.metrics.declarations.table import METRICS

    declaration = METRICS.get(cls.name) if cls.__module__.startswith("uad_bench.") else None
    better = declaration.better if declaration else "higher" if cls.higher_is_better else "lower"
    direction = f"{better} is better" if better else "a reference value"
    pooled = cls.pooled is not Metric.pooled or cls.joined is not Metric.joined
    rule = "RULE" if cls.per_rule else ""
    names = [
        *([metric_name(cls, "case", rule)] if cls.case is not Metric.case else []),
        *([metric_name(cls, "pooled", rule)] if pooled else []),
    ]
    cases = {"lesion": "lesion cases", "healthy": "healthy scans", "both": "lesion cases and healthy scans"}
    return {
        "formula": cls.formula,
        "range": ", ".join(filter(None, (cls.value_range, direction))),
        "unit": cls.unit,
        "values": ", ".join(names),
        "cases": cases[cls.population],
        "oracle": "uses labels of the test cases; never ranks methods" if cls.oracle else "",
        "undefined": ", ".join(declaration.undefined) if declaration else "",
        "source": cls.source,
    }


def _show_entry(entry: "Entry") -> None:
    typer.echo(f"{entry.kind} {entry.name}: {entry.summary}\n  class      {entry.target} [{entry.source}]")


def _show_plugin(entry: "Entry", cls: type[Any], preset: Mapping[str, Any]) -> None:
    from uad_bench.config import checked_parameters, parameters_model

    _show_entry(entry)
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
