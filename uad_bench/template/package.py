"""Writes the files of a new plug-in package: a class that works, its entry point, tests and a workflow for CI."""

import re
from pathlib import Path

from uad_bench import __version__
from uad_bench.errors import UsageError, unknown_name
from uad_bench.plugins import KINDS
from uad_bench.support.atomic_files import write_text

#: Templates by kind; those of `common` belong to every package. Their paths are those of the package, with the folder
#: `module` for its Python package.
FILES = Path(__file__).parent / "files"
SUFFIX = ".jinja"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_package(kind: str, name: str, folder: Path) -> list[Path]:
    """Write the package of a new plug-in into a folder and return its files.

    Raises UsageError for an unknown kind, a name that is no name of a package or is registered already, and a folder
    that is not empty; EnvironmentFault where the folder cannot be written.
    """
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    _check_name(kind, name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "the folder exists and is not empty", where=str(folder), hint="name another with --to"
        )
    texts = {path: text for part in ("common", kind) for path, text in _rendered(part, kind, name)}
    for path, text in texts.items():
        write_text(folder / path, text)
    return [folder / path for path in texts]


def _check_name(kind: str, name: str) -> None:
    from uad_bench import plugins

    if not NAME.fullmatch(name) or len(name) > 40:
        hint = "use lower-case letters, digits and single hyphens, for instance my-method"
        raise UsageError(f"{name!r} is no name for a package", hint=hint)
    if (kind, name) in plugins.catalogue().entries:
        raise UsageError(f"a {kind} with the name {name!r} is registered already", hint="choose another name")


def _rendered(part: str, kind: str, name: str) -> list[tuple[Path, str]]:
    """The files of a part, relative to the folder of the package, with their text."""
    import jinja2

    module = f"uad_{name.replace('-', '_')}"
    facts = {
        "kind": kind,
        "name": name,
        "module": module,
        # With the kind, so that it is neither a keyword (None) nor a name that the module imports (Value, Case).
        "cls": "".join(word.capitalize() for word in (*name.split("-"), kind)),
        "versions": _versions(),
    }
    engine = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    found = []
    for path in sorted((FILES / part).rglob(f"*{SUFFIX}")):
        relative = path.relative_to(FILES / part)
        parts = [module if one == "module" else one for one in relative.parts]
        text = engine.from_string(path.read_text(encoding="utf-8")).render(facts)
        found.append((Path(*parts).with_suffix(""), text))
    return found


def _versions() -> str:
    """The versions of uad-bench that a new package accepts: from this one to below the one after the next minor one."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return f">={major}.{minor},<{major}.{minor + 2}"
