"""Code that a run directory names: imported only where it is installed, or where the user names it too.

A run directory may come from anyone. What it names as `module:Class` or as a .py file would be executed on import.
"""

from collections.abc import Collection, Iterator

from uad_bench import plugins
from uad_bench.config import RunSpec
from uad_bench.errors import IntegrityError
from uad_bench.results.run_directory import RunDir


def require_installed_code(run: RunDir, trusted: Collection[str], *, method: bool = False) -> None:
    """Raise IntegrityError where a run names code that no installed plug-in registers and `trusted` does not name.

    method: the method is to be loaded, too; else only its datasets and metrics (UB502).
    """
    spec = run.spec()
    foreign = [name for name in _foreign(spec, method=method) if name not in trusted]
    if foreign:
        what = f"the run names code that is not installed: {', '.join(foreign)}"
        hint = f"add --trust {foreign[0]} if you trust it"
        raise IntegrityError(what, where=run.name, hint=hint, code="UB502")


def _foreign(spec: RunSpec, *, method: bool) -> Iterator[str]:
    """The names of code outside the catalogue, each once."""
    known = plugins.catalogue().entries
    datasets = (spec.protocol.train, *spec.test, *spec.datasets)
    names: list[tuple[plugins.Kind, str]] = [("dataset", name) for name in datasets]
    names += [("metric", name) for name in spec.protocol.metrics]
    yield from dict.fromkeys(name for kind, name in names if (kind, name) not in known)
    if method:
        entry = known.get(("method", spec.method.partition(":")[0]))
        if entry is None or entry.target != spec.target:
            yield spec.target.removesuffix(":")
