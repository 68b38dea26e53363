"""Plug-ins: from entry points to names to classes. Listing imports no heavy library; a broken plug-in is listed."""

import importlib
import importlib.util
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, Literal

import pluggy

from uad_bench import hookspecs
from uad_bench.errors import PluginError, UadError, UsageError, unknown_name

Kind = Literal["method", "dataset", "metric"]
KINDS: tuple[Kind, ...] = ("method", "dataset", "metric")
NAME = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")
#: In labels of methods "@" precedes the modalities that a method sees.
METHOD_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
#: In row names "@" precedes the threshold rule, "." the form, and ":" follows the post-processing stage.
METRIC_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
#: What a hook registers: a class by its module, or by its file.
TARGET = re.compile(r"([^\W\d]\w*(\.[^\W\d]\w*)*|.+\.py):[^\W\d]\w*")
#: A file may have capitals in its name, as many have.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
METHOD_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
REGISTERED: dict[Kind, re.Pattern[str]] = {"method": METHOD_NAME, "dataset": NAME, "metric": METRIC_NAME}
IN_A_FILE: dict[Kind, re.Pattern[str]] = {
    "method": METHOD_FILE_NAME,
    "dataset": FILE_NAME,
    "metric": METRIC_NAME,
}
CONTRACTS = {
    "method": ("uad_bench.method.base", "Method"),
    "dataset": ("uad_bench.data.adapter", "DatasetAdapter"),
    "metric": ("uad_bench.evaluate.metric", "Metric"),
}


@dataclass(frozen=True)
class Entry:
    """One registered name. target: "package.module:Class"; source: the distribution that registers it."""

    kind: Kind
    name: str
    target: str
    summary: str
    source: str


@dataclass(frozen=True)
class Broken:
    """A plug-in, or one of its names, that cannot be used, with the reason."""

    name: str
    source: str
    reason: str


@dataclass
class Catalogue:
    """Everything that the installed plug-ins registered."""

    entries: dict[tuple[Kind, str], Entry] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def names(self, kind: Kind) -> list[Entry]:
        """The entries of one kind, ordered by name."""
        return sorted((e for e in self.entries.values() if e.kind == kind), key=lambda e: e.name)

    def add(self, kind: Kind, name: str, target: str, summary: str, source: str) -> None:
        """Register a name; one that is ill-formed or taken is listed as broken instead."""
        taken = self.entries.get((kind, name))
        pattern = REGISTERED[kind]
        if not isinstance(name, str) or not pattern.fullmatch(name):
            self.broken.append(Broken(repr(name)[:80], source, f"a {kind} name must match {pattern.pattern}"))
        elif taken:
            reason = f"{kind} {name!r} is also registered by {taken.source}, which comes first"
            self.broken.append(Broken(name, source, reason))
        elif not isinstance(target, str) or not TARGET.fullmatch(target):
            reason = f"register(name, target): the target is {target!r:.80}, expected 'package.module:Class'"
            self.broken.append(Broken(name, source, reason))
        else:
            self.entries[kind, name] = Entry(kind, name, target, " ".join(str(summary).split()), source)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Every plug-in of the entry-point group, each loaded in its own try; built-ins first, then by name."""
    found = Catalogue()
    for point in sorted(
        entry_points(group=hookspecs.PROJECT), key=lambda p: (_source(p) != "uad-bench", p.name)
    ):
        try:
            with redirect_stdout(sys.stderr):  # a line of a plug-in must not begin a table in JSON
                _collect(found, point.load(), _source(point))
        except (Exception, SystemExit) as error:  # an import of a plug-in may raise anything
            found.broken.append(Broken(point.name, _source(point), _reason(error)))
    return found


def _reason(error: BaseException) -> str:
    """Why a plug-in is not loaded; with the version of this package where it may have been made for another one."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, pluggy.PluginValidationError | ImportError | AttributeError | TypeError):
        reason += f" (made for another version? this is {_own_version()})"
    return reason


def _own_version() -> str:
    try:
        return f"uad-bench {version('uad-bench')}"
    except PackageNotFoundError:  # a source tree on the path
        return "an uninstalled uad-bench"


def _source(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _collect(found: Catalogue, module: Any, source: str) -> None:  # a module or an object with hooks
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    if not manager.get_hookcallers(module):
        hooks = ", ".join(f"register_{kind}s" for kind in KINDS)
        raise PluginError(f"no hook found: write one of {hooks}, and @uad_bench.hookimpl above it")
    for kind in KINDS:

        def register(name: str, target: str, summary: str = "", kind: Kind = kind) -> None:
            found.add(kind, name, target, summary, source)

        getattr(manager.hook, f"register_{kind}s")(register=register)


def resolve(kind: Kind, name: str) -> Entry:
    """The entry of a registered name, of `module:Class`, or of a file `path.py` or `path.py:Class`."""
    entry = catalogue().entries.get((kind, name))
    if entry:
        return entry
    path, _, cls = name.partition(":")
    if path.endswith(".py"):
        return Entry(kind, _file_label(kind, name), f"{path}:{cls}", "", path)
    if cls.isidentifier() and cls[0].isupper():
        return Entry(kind, label(name), name, "", path.split(".")[0])
    hint = "or module:Class, or a .py file; `uad-bench list` shows them all"
    for broken in catalogue().broken:
        if broken.name == name:
            raise PluginError(f"{kind} {name!r} cannot be used", where=broken.source, hint=broken.reason)
    raise unknown_name(kind, name, (e.name for e in catalogue().names(kind)), hint=hint)


def _file_label(kind: Kind, name: str) -> str:
    """The name in results of a plug-in in a file. Raises UsageError where a table could not show it (UB205)."""
    called = label(name)
    pattern = IN_A_FILE[kind]
    if not pattern.fullmatch(called):
        hint = f"rename the file: its name must match {pattern.pattern}"
        raise UsageError(f"{called!r} is no name for a {kind}", where=name, hint=hint, code="UB205")
    return called


def label(name: str) -> str:
    """The name of a plug-in in results: a registered name as it is, a class in lower case, or the stem of a file."""
    path, _, cls = name.partition(":")
    if path.endswith(".py"):
        return cls.lower() or Path(path).stem
    return cls.lower() if cls.isidentifier() and cls[0].isupper() else name


def load(entry: Entry) -> type[Any]:
    """The class of an entry.

    Raises PluginError where it cannot be imported (UB401) or is not derived from its contract, UsageError where a file
    holds no or several classes of the kind.
    """
    module_name, _, cls = entry.target.partition(":")
    try:
        with redirect_stdout(sys.stderr):
            module = (
                _from_file(Path(module_name))
                if module_name.endswith(".py")
                else importlib.import_module(module_name)
            )
        found = getattr(module, cls) if cls else _only_class(module, entry)
    except UadError:
        raise
    except (Exception, SystemExit) as error:
        what = f"{entry.kind} {entry.name!r} cannot be loaded"
        raise PluginError(
            what, where=entry.target, hint=f"{type(error).__name__}: {error}", code="UB401"
        ) from error
    if not (isinstance(found, type) and issubclass(found, _contract(entry.kind))):
        raise PluginError(
            f"{entry.target} is not a {_contract(entry.kind).__name__} class", where=entry.source
        )
    _require_tuples(found, entry)
    return found


def are_names(value: Any) -> bool:
    """Whether a plug-in gave a tuple or list of words; a single word would be taken for its letters.

    >>> are_names(("auroc",)), are_names(("auroc"))
    (True, False)
    """
    return isinstance(value, tuple | list) and all(isinstance(one, str) for one in value)


def _require_tuples(cls: type[Any], entry: Entry) -> None:
    """Raise PluginError (UB400) for a class attribute that is no tuple of words."""
    for name in ("modalities", "pretrained_on", "may_share"):
        value = getattr(cls, name, ())
        if not are_names(value):
            what = f"{cls.__name__}.{name} is {value!r:.60}, not a tuple of words"
            raise PluginError(what, where=entry.source, hint=f'write {name} = ("one",), with the comma')


def _contract(kind: Kind) -> type[Any]:
    module, name = CONTRACTS[kind]
    contract: type[Any] = getattr(importlib.import_module(module), name)
    return contract


def _from_file(path: Path) -> Any:  # a module
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    name = f"uad_bench_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("not a Python file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _only_class(module: Any, entry: Entry) -> type[Any]:  # a module
    """The only class in a file that is derived from the contract of its kind."""
    contract = _contract(entry.kind)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, contract) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        names = ", ".join(c.__name__ for c in own) or "none"
        raise UsageError(
            f"{len(own)} {entry.kind} classes in the file ({names})",
            where=entry.source,
            hint="write path.py:Class",
        )
    return own[0]
