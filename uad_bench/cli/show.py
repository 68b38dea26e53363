"""`show`: a method, dataset, metric or protocol in full."""

import inspect
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from uad_bench.cli import options
from uad_bench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from uad_bench.evaluate.metric import Metric
    from uad_bench.plugins import Entry

#: Parameters that have one meaning in all methods, for those that do not describe them.
COMMON = {
    "lr": "learning rate",
    "steps": "training steps",
    "batch": "slices in a training step",
    "weight_decay": "factor of the L2 penalty on the weights",
}
KINDS = ("method", "dataset", "metric", "protocol")


def _complete(incomplete: str) -> list[str]:
    return [*options.names_of("method", "dataset", "metric")(incomplete), *options.protocols(incomplete)]


def show(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] NAME",
            help="A method, dataset, metric or protocol, with its kind in front or without.",
            autocompletion=_complete,
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            "-p",
            help="The protocol whose presets of a method are shown; default: that of `run`.",
        ),
    ] = "",
) -> None:
    """Show a method, dataset, metric or protocol in full: parameters, formula, source, class."""
    from uad_bench import plugins
    from uad_bench.config import protocol_names

    kind, name = _kind_and_name(names)
    entries = plugins.catalogue().entries
    if kind == "protocol" or (not kind and (name in protocol_names() or name.endswith((".yaml", ".yml")))):
        _show_protocol(name)
    elif kind == "dataset" or (not kind and ("dataset", name) in entries):
        entry = plugins.resolve("dataset", name)
        _show_plugin(entry, plugins.load(entry), {})
    elif kind == "metric" or (not kind and ("metric", name) in entries):
        metric = plugins.resolve("metric", name)
        _show_metric(metric, plugins.load(metric))
    else:
        _show_method(name, protocol, any_kind=not kind)


def _kind_and_name(names: list[str]) -> tuple[str, str]:
    """The kind, "" where none is given, and the name. Raises UsageError for more words and for an unknown kind."""
    if len(names) == 1:
        return "", names[0]
    if len(names) > 2:
        raise UsageError(f"show takes one name, got {len(names)} words", hint="uad-bench show [KIND] NAME")
    kind = names[0].removesuffix("s")
    if kind not in KINDS:
        raise unknown_name("kind", names[0], KINDS)
    return kind, names[1]


def _show_method(name: str, protocol: str, *, any_kind: bool) -> None:
    """Show a method. any_kind: the name may be meant as that of something else, which an error then says."""
    from uad_bench import plugins
    from uad_bench.config import default_protocol, load_protocol
    from uad_bench.pipeline.method_names import find_method

    try:
        method = find_method(name)
    except UsageError as error:
        registered = any(name.partition(":")[0] == key for _, key in plugins.catalogue().entries)
        if any_kind and error.code == "UB201" and not registered:
            raise _unknown(name) from error
        raise
    chosen = load_protocol(protocol or default_protocol())
    _show_plugin(method.entry, method.cls, method.parameters(chosen), chosen.name)


def _unknown(name: str) -> UsageError:
    """The error for a name of no kind; a threshold rule, which names of numbers contain, is explained."""
    from uad_bench import plugins
    from uad_bench.config import protocol_names
    from uad_bench.evaluate.thresholds import meaning

    hint = "`uad-bench list` shows all names"
    if rule := meaning(name):
        hint = f"it is a threshold rule, see docs/metrics.md: the threshold is {rule}"
    else:
        known = [*protocol_names(), *(key for _, key in plugins.catalogue().entries)]
        near = sorted(get_close_matches(name, known, n=3, cutoff=0.5))
        hint = f"did you mean {' or '.join(near)}? {hint}" if near else hint
    return UsageError(f"no method, dataset, metric or protocol is named {name!r}", hint=hint, code="UB201")


def _show_protocol(name: str) -> None:
    from uad_bench.cohort.discovery import pinned_protocol
    from uad_bench.config import load_protocol
    from uad_bench.errors import DataError
    from uad_bench.support import strict_yaml

    try:
        protocol, without = pinned_protocol(name, {}), ""
    except DataError as error:  # the protocol is shown all the same
        protocol, without = (
            load_protocol(name),
            f" without the SHA-256 of its atlas, which `run` adds: {error}",
        )
    typer.echo(
        f"# protocol {protocol.name} version {protocol.version}, fingerprint {protocol.fingerprint}{without}"
    )
    typer.echo(strict_yaml.dump(protocol.model_dump(mode="json")), nl=False)


def _show_metric(entry: "Entry", cls: "type[Metric]") -> None:
    _show_entry(entry)
    for label, text in metric_facts(cls).items():
        if text:
            typer.echo(f"  {label:<10} {text}")
    for line in metric_text(cls).splitlines():
        typer.echo(f"  {line}".rstrip())


def metric_text(cls: "type[Metric]") -> str:
    """The docstring of a metric without its example; for a member of a family, that of the family's class."""
    from uad_bench.evaluate.metric import Metric

    own = cls.__mro__[: cls.__mro__.index(Metric)]
    text = inspect.cleandoc(next((one.__doc__ for one in own if one.__doc__), ""))
    return text.partition("\n>>>")[0].rstrip()


def metric_facts(cls: "type[Metric]") -> dict[str, str]:
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


def _show_plugin(entry: "Entry", cls: type[Any], preset: Mapping[str, Any], protocol: str = "") -> None:
    _show_entry(entry)
    for label, text in plugin_facts(cls):
        typer.echo(f"  {label:<10} {text}")
    text = inspect.cleandoc(cls.__doc__ or "")
    rows = list(parameter_rows(cls, entry.name, preset))
    if rows:
        typer.echo(f"  parameters, for --set {entry.name}.NAME=VALUE:")
    heads = ("name", "type", "default", f"preset of {protocol}" if protocol else "here", "description")
    shown = [0, 1, 2, *([3] if any(row[3] for row in rows) else []), 4]
    widths = {i: max(len(row[i]) for row in [heads, *rows]) for i in shown}
    for row in [heads, *rows] if rows else []:
        typer.echo("  " + "  ".join(f"{row[i]:<{widths[i]}}" for i in shown).rstrip())
    for line in text.splitlines():
        typer.echo(f"  {line}".rstrip())


def plugin_facts(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """What the class of a method or dataset says about it, by label; a line for each variant.

    >>> class Blur:
    ...     modalities, variants = ("t1", "t2"), {"wide": {"sigma": 4, "axes": 2}, "": {"sigma": 1}}
    >>> list(plugin_facts(Blur))
    [('modalities', 't1, t2'), ('variants', ':wide sigma=4, axes=2'), ('', ':published sigma=1')]
    """
    for fact in ("paper", "modalities", "about"):
        if found := getattr(cls, fact, None):
            yield fact, found if isinstance(found, str) else ", ".join(found)
    for number, (name, values) in enumerate(getattr(cls, "variants", {}).items()):
        settings = ", ".join(f"{key}={value}" for key, value in values.items())
        yield "" if number else "variants", f":{name or 'published'} {settings}"


def parameter_rows(cls: type[Any], name: str, preset: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Name, type with choices, default, preset value ("" where it is the default) and one line of description."""
    from uad_bench.config import checked_parameters, parameters_model
    from uad_bench.data.adapter import DatasetAdapter
    from uad_bench.types import Case

    types = parameters_model(cls).model_fields
    about = COMMON | (descriptions(inspect.getdoc(Case) or "") if issubclass(cls, DatasetAdapter) else {})
    for base in reversed(cls.__mro__[:-1]):
        about |= descriptions(inspect.cleandoc(vars(base).get("__doc__") or ""))
    for key, value in checked_parameters(cls, {}, name).items():
        usual = repr(preset[key]) if key in preset and preset[key] != value else ""
        yield key, type_text(types[key].annotation), repr(value), usual, about.get(key, "")


def type_text(annotation: Any) -> str:  # any annotation
    """A type as a user reads it; choices are listed.

    >>> type_text(Literal["brain", "intensity"]), type_text(float | None), type_text(int)
    ("'brain' | 'intensity'", 'float | None', 'int')
    """
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def descriptions(text: str) -> dict[str, str]:
    """The description of each parameter in a docstring, `name: text` or `name, name: text`, as one line.

    >>> descriptions("A thing.\\n\\nn: its size. Parameters:\\n    lr, `clip`: of the\\n        descent.\\n    k: one.")
    {'n': 'its size', 'lr': 'of the descent', 'clip': 'of the descent', 'k': 'one'}
    """
    flat = " ".join(text.partition("\n>>>")[0].split())
    start = re.compile(r"(?:^|(?<=[.;:] )|(?<=[.;] ))(`?[a-z_]\w*`?(?:, `?[a-z_]\w*`?)*): ")
    found = list(start.finditer(flat))
    ends = [*(one.start() for one in found), len(flat)][1:]
    result: dict[str, str] = {}
    for one, end in zip(found, ends, strict=False):  # a text without parameters has one end
        said = flat[one.end() : end].strip()
        said = re.split(r"(?<=[^.]\.) (?=[A-Z])", said)[0].rstrip(" .;")
        for name in one[1].replace("`", "").split(", "):
            result.setdefault(name, said)
    return result
