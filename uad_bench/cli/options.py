"""Options that several commands share, and how their texts become values."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from uad_bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uad_bench.cohort.discovery import Sources
    from uad_bench.config import Overrides
    from uad_bench.data.published_splits import RoleTable
    from uad_bench.plugins import Kind


def protocols(incomplete: str) -> list[str]:
    """The shipped protocols whose names begin so, for the completion of a shell."""
    from uad_bench.support.package_files import protocol_files

    return [name for name in protocol_files() if name.startswith(incomplete)]


def names_of(*kinds: "Kind") -> "Callable[[str], list[str]]":
    """What completes a name of these kinds in a shell: the registered names that begin so."""

    def complete(incomplete: str) -> list[str]:
        from uad_bench import plugins

        found = (one.name for kind in kinds for one in plugins.catalogue().names(kind))
        return [name for name in found if name.startswith(incomplete)]

    return complete


Protocol = Annotated[
    str,
    typer.Option(
        "--protocol",
        "-p",
        help="A shipped protocol by name, or a .yaml file; default: the one in configs/default.txt.",
        autocompletion=protocols,
    ),
]
Data = Annotated[list[str], typer.Option("--data", help="NAME=FOLDER: the folder of a dataset. Repeatable.")]
Set = Annotated[
    list[str],
    typer.Option("--set", help="METHOD.KEY=VALUE, DATASET.KEY=VALUE or protocol.KEY=VALUE. Repeatable."),
]
Config = Annotated[
    str,
    typer.Option(
        "--config",
        help="A .yaml file with the keys protocol, methods, datasets; --set is applied after it. Default: none.",
    ),
]
Test = Annotated[str, typer.Option("--test", help="Test sets, separated by commas; default: the protocol's.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="The folder of runs.")]
Workers = Annotated[
    int, typer.Option("--workers", help="Processes that read and prepare cases; 0: one per CPU.", min=0)
]
MetricWorkers = Annotated[
    int,
    typer.Option(
        "--workers",
        help="Processes for preparation and for the metrics of large test sets; 0: one per CPU.",
        min=0,
    ),
]
SkipMissing = Annotated[
    bool,
    typer.Option("--skip-missing", help="Leave out cases that lack a modality; the result records them."),
]
Splits = Annotated[
    str,
    typer.Option(
        "--splits",
        help="legacy=FILE or legacy:SOURCE=FILE: roles from a published split table; default: those of the protocol.",
    ),
]
AllowLeak = Annotated[
    bool,
    typer.Option(
        "--allow-leak", help="Run although the audit finds a leak; the result is marked permanently."
    ),
]
Fold = Annotated[
    int, typer.Option("--fold", help="The fold that is val; -1: the shares of the protocol.", min=-1)
]
Trust = Annotated[
    list[str],
    typer.Option(
        "--trust", help="Code named in a run that may be imported: module:Class or a .py file. Repeatable."
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Derivatives = Annotated[
    Path, typer.Option("--to", help="The folder of the BIDS derivative dataset that is written.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="On stderr only warnings, no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="On stderr details too.")]
SkipBroken = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out cases that cannot be read or prepared.")
]


def names(text: str) -> tuple[str, ...]:
    """`a,b` as ("a", "b")."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def dataset_names(data: list[str]) -> list[str]:
    """The datasets that --data names: their code was given on the command line."""
    return [item.partition("=")[0] for item in data]


def sources(
    data: list[str], workers: int, skip_broken: bool = False, skip_missing: bool = False
) -> "Sources":
    """The data sources of this machine. Raises UsageError for a --data that is not NAME=FOLDER, and for two folders of
    one dataset, of which only one could be read."""
    from uad_bench import plugins
    from uad_bench.cohort.discovery import Sources, default_cache
    from uad_bench.support import environment

    roots: dict[str, Path] = {}
    for item in data:
        name, equals, folder = item.partition("=")
        if not (name and equals and folder):
            raise UsageError(f"--data {item!r}", hint="write NAME=FOLDER")
        key, root = plugins.resolve("dataset", name).name, Path(folder).expanduser()
        if roots.setdefault(key, root) != root:
            hint = f"a dataset has one root, and {roots[key]} is given too; leave out one of them"
            raise UsageError(f"--data {item!r}", hint=hint)
    return Sources(default_cache(), roots, workers or environment.threads(), skip_broken, skip_missing)


def trackers(texts: list[str]) -> tuple[str, ...]:
    """The trackers that --log names. Raises UsageError for an unknown one, EnvironmentFault for a missing package."""
    from uad_bench.pipeline.trackers.trackers import wanted

    return wanted([name for text in texts for name in names(text)])


def table(text: str) -> "tuple[str, RoleTable | None]":
    """--splits as the text that a specification keeps, and the table; ("", None) without the option.

    Raises UsageError for another form, DataError for a table that cannot be read.
    """
    if not text:
        return "", None
    from uad_bench.data.published_splits import read_table

    kind, equals, file = text.partition("=")
    word = kind.partition(":")[0]
    if word != "legacy" or not equals or not file:
        raise UsageError(f"--splits {text!r}", hint="write legacy=FILE, or legacy:SOURCE=FILE")
    found = read_table(Path(file).expanduser())
    return f"{kind}={Path(file).name}#{found.sha256[:12]}", found


def overrides(config: str, set_: list[str], methods: "Sequence[str]" = ()) -> "Overrides":
    """The file of --config with every --set applied. Raises UsageError for a key or value that is not valid."""
    from uad_bench.pipeline.settings import with_settings

    return with_settings(_file(config), settings(set_), methods)


def _file(config: str) -> "Overrides":
    from uad_bench.config import Overrides, validated
    from uad_bench.support import strict_yaml

    return validated(Overrides, strict_yaml.read(Path(config)) if config else {}, config or "--config")


def all_settings(config: str, set_: list[str]) -> list[tuple[list[str], Any]]:
    """The file of --config and the --set options as (path, value), in this order."""
    sections = _file(config).model_dump()
    from_file = [([section, key], value) for section, own in sections.items() for key, value in own.items()]
    return from_file + settings(set_)


def settings(texts: list[str]) -> list[tuple[list[str], Any]]:
    """The --set options as (path, value)."""
    from uad_bench.pipeline.settings import assignment

    return [assignment(text) for text in texts]


def show_messages(quiet: bool = False, verbose: bool = False) -> None:
    """Show messages on stderr from now on. Raises UsageError for --quiet together with --verbose."""
    from uad_bench.support import messages

    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", hint="give one of them")
    messages.show(quiet=quiet, verbose=verbose)
