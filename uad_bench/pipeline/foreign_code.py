"""Code that a run directory names: imported only where it is installed, or where the user names it too.

A run directory may come from anyone. What it names as `module:Class` or as a .py file would be executed on import.
"""

import shlex
from collections.abc import Collection, Iterator
from importlib.util import find_spec

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.errors import IntegrityError, PluginError
from uad_bench.results.method_label import parse_label
from uad_bench.results.run_directory import RunDir


def require_installed_code(run: RunDir, trusted: Collection[str], *, method: bool = False) -> None:
    """Raise IntegrityError where a run names code that no installed plug-in registers and `trusted` does not name.

    method: the method is to be loaded, too; else only its datasets and metrics (UB502).
    """
    spec = run.spec()
    _refuse(run, [name for name in _foreign(spec, method=method) if name not in trusted])


def require_installed_method(run: RunDir, trusted: Collection[str]) -> None:
    """As `require_installed_code` for the method alone, where no dataset and no metric of the run is loaded.

    Raises PluginError where the package of the method is not installed (UB411).
    """
    foreign = [name for name in _foreign_method(run.spec()) if name not in trusted]
    for name in foreign:
        package = name.partition(":")[0].partition(".")[0]
        if (
            package.isidentifier()
            and not name.partition(":")[0].endswith(".py")
            and find_spec(package) is None
        ):
            what = f"the model needs the plug-in {run.spec().source or package!r}, which is not installed"
            hint = f"install it, in the version that env.json of the {run.kind} names"
            raise PluginError(what, where=run.name, hint=hint, code="UB411")
    _refuse(run, foreign)


def _refuse(run: RunDir, foreign: list[str]) -> None:
    if foreign:
        what = f"the {run.kind} names code that is not installed: {', '.join(foreign)}"
        hint = f"add --trust {shlex.quote(foreign[0])} if you trust it"
        raise IntegrityError(what, where=run.name, hint=hint, code="UB502")


def _foreign(spec: RunSpec, *, method: bool) -> Iterator[str]:
    """The names of code outside the catalogue, each once."""
    known = plugins.catalogue().entries
    datasets = (spec.protocol.train, *spec.test, *spec.datasets)
    names: list[tuple[plugins.Kind, str]] = [("dataset", name) for name in datasets]
    names += [("metric", name) for name in spec.protocol.metrics]
    yield from dict.fromkeys(name for kind, name in names if (kind, name) not in known)
    if method:
        yield from _foreign_method(spec)


def _foreign_method(spec: RunSpec) -> Iterator[str]:
    """The method's target, unless the catalogue has it."""
    entry = plugins.catalogue().entries.get(("method", parse_label(spec.method).name))
    if entry is None or entry.target != spec.target:
        yield spec.target.removesuffix(":")
