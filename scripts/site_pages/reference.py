"""Pages of the reference, made of declarations: commands, plug-ins, preparation steps, protocols, API."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer

from uad_bench import plugins
from uad_bench.cli import app
from uad_bench.cli.show import metric_facts, metric_text, parameter_rows, type_text
from uad_bench.config import load_protocol, protocol_names
from uad_bench.support import strict_yaml

API = {
    "Functions": ("uad_bench.api",),
    "For methods": ("Method", "TorchMethod", "Context", "SliceStack", "Scan", "Component", "Resources"),
    "For datasets": ("DatasetAdapter", "Case"),
    "For metrics": ("Metric", "Value", "Scored", "Truth"),
    "Conformance checks": ("uad_bench.testing",),
    "Errors": ("uad_bench.errors",),
}


def pages() -> Iterator[tuple[str, str]]:
    """(path below docs/, Markdown) of each page."""
    yield "reference/cli.md", commands()
    yield "reference/api.md", api()
    yield "reference/methods.md", plugins_of("method")
    yield "reference/datasets.md", plugins_of("dataset")
    yield "reference/metrics.md", metrics()
    yield "reference/steps.md", steps()
    yield "reference/protocols.md", protocols()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; "" without rows."""
    lines = [
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in rows
    ]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines, ""]) if lines else ""


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def commands() -> str:
    """Every command with its arguments and options."""
    root: Any = typer.main.get_command(app)
    text = ["# Command line", "", "`uad-bench COMMAND --help` shows the same in a terminal.", ""]
    return "\n".join([*text, *_command(root, "uad-bench")])


def _command(command: Any, name: str) -> Iterator[str]:
    yield f"\n## {name}\n\n{inspect.cleandoc(command.help or '')}\n"
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    yield table(
        ("argument", "meaning"), ((code(one.metavar or one.name), one.help or "") for one in arguments)
    )
    yield table(("option", "default", "meaning"), (_option(one) for one in options))
    for word, inner in getattr(command, "commands", {}).items():
        yield from _command(inner, f"{name} {word}")


def _option(one: Any) -> tuple[str, str, str]:
    plain = one.default in (None, "", False, (), []) or callable(one.default)
    return (
        ", ".join(map(code, [*one.opts, *one.secondary_opts])),
        "" if plain else code(one.default),
        one.help or "",
    )


def api() -> str:
    """The Python interface, by mkdocstrings."""
    text = ["# Python interface", "", "Short examples are on the page [Python](../api.md).", ""]
    for title, names in API.items():
        text += [f"## {title}", ""]
        text += [f"::: {home(name)}\n" for name in names]
    return "\n".join(text)


def home(name: str) -> str:
    """The full name of a class that `uad_bench` exports."""
    import uad_bench

    return name if "." in name else f"{getattr(uad_bench, name).__module__}.{name}"


def plugins_of(kind: plugins.Kind) -> str:
    """Every registered method or dataset: what it is, and its parameters."""
    text = [f"# {kind.capitalize()}s", "", f"As `uad-bench show {kind} NAME` prints them.", ""]
    for entry in plugins.catalogue().names(kind):
        cls = plugins.load(entry)
        text += [f"## {entry.name}", "", f"{entry.summary}. Class `{entry.target}`.", ""]
        for fact in ("paper", "about", "modalities"):
            if value := getattr(cls, fact, None):
                text += [f"- {fact}: {', '.join(value) if isinstance(value, tuple) else value}"]
        if variants := getattr(cls, "variants", None):
            text += ["- variants: " + ", ".join(code(one) for one in variants)]
        rows = (
            (code(n), code(t), code(d), about) for n, t, d, _, about in parameter_rows(cls, entry.name, {})
        )
        text += ["", table(("parameter", "type", "default", "meaning"), rows), ""]
    return "\n".join(text)


def metrics() -> str:
    """Every registered metric with its facts."""
    text = ["# Metrics", "", "Definitions are on the page [Metrics and threshold rules](../metrics.md).", ""]
    for entry in plugins.catalogue().names("metric"):
        cls = plugins.load(entry)
        facts = ((label, value) for label, value in metric_facts(cls).items() if value)
        text += [
            f"## {entry.name}",
            "",
            f"{entry.summary}.",
            "",
            table(("", ""), facts),
            _prose(metric_text(cls)),
            "",
        ]
    return "\n".join(text)


def steps() -> str:
    """Every preparation step with its parameters."""
    from uad_bench.prepare.chain import STEPS, step_class

    text = [
        "# Preparation steps",
        "",
        "Their order in a protocol, and why: [Architecture](../architecture.md).",
        "",
    ]
    for name in STEPS:
        cls = step_class(name)
        about = _listed(inspect.cleandoc(cls.__doc__ or ""))
        fields = {key: one for key, one in cls.model_fields.items() if key != "step"}
        rows = (
            (code(key), code(type_text(one.annotation)), code(one.default), about.get(key, ""))
            for key, one in fields.items()
        )
        doc = inspect.cleandoc(cls.__doc__ or "").partition("\n>>>")[0]
        text += [
            f"## {name}",
            "",
            _prose(doc),
            "",
            table(("parameter", "type", "default", "meaning"), rows),
            "",
        ]
    return "\n".join(text)


def protocols() -> str:
    """Every shipped protocol in full."""
    text = [
        "# Protocols",
        "",
        "What they do, and how they differ from papers: [Protocols](../protocols.md).",
        "",
    ]
    for name in protocol_names():
        one = load_protocol(name)
        text += [f"## {name}", "", f"Version {one.version}, fingerprint `{one.fingerprint}`.", "", "```yaml"]
        text += [strict_yaml.dump(one.model_dump(mode="json")).rstrip(), "```", ""]
    return "\n".join(text)


def _listed(doc: str) -> dict[str, str]:
    """The parameters that a docstring documents under "Parameters": description by name."""
    found: dict[str, str] = {}
    name = ""
    for line in doc.partition("Parameters\n")[2].partition("\n\n")[0].splitlines():
        if match := re.match(r" {4}(\w+(?:, \w+)*): (.*)", line):
            name, text = match.groups()
            found[name] = text
        elif name:
            found[name] += f" {line.strip()}"
    return {one: text for names, text in found.items() for one in names.split(", ")}


def _prose(doc: str) -> str:
    """A docstring as Markdown: indented parts are lists of parameters, which the table has."""
    kept, skipping = [], False
    for line in doc.splitlines():
        skipping = (skipping and (line.startswith(" ") or not line)) or line.strip() == "Parameters"
        if not skipping:
            kept.append(line)
    return "\n".join(kept).replace("<", "&lt;")
