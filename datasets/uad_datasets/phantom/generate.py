"""The versions of the generator: a case of any of them, at its spacing."""

from collections.abc import Callable

from uad_bench.errors import UsageError
from uad_datasets.phantom import subject
from uad_datasets.phantom.subject import Phantom
from uad_datasets.phantom.v5.subject import make_phantom

#: The version that a cohort has unless `phantom.version` says otherwise.
DEFAULT_VERSION = 4
VERSIONS, SPACINGS = (4, 5), (1, 2)

Generator = Callable[[int, str, str], Phantom]


def generator(version: int, spacing: int) -> Generator:
    """The function (seed, case_id, kind) -> Phantom of one version. Raises UsageError where there is none."""
    check(version, spacing)
    return subject.make_phantom if version == 4 else _at(spacing)


def check(version: int, spacing: int) -> None:
    """Raise UsageError for a version or a spacing that does not exist."""
    if version not in VERSIONS:
        raise UsageError(f"no version {version} of the phantom", where="phantom.version", hint="choose 4 or 5")
    if spacing not in SPACINGS:
        raise UsageError(f"no phantom at {spacing} mm", where="phantom.spacing", hint="choose 1 or 2")
    if version == 4 and spacing != 2:
        hint = "add --set phantom.version=5, or leave out phantom.spacing"
        raise UsageError("version 4 of the phantom exists at 2 mm only", where="phantom.spacing", hint=hint)


def _at(spacing: int) -> Generator:
    """Version 5 at one spacing."""
    return lambda seed, case_id, kind: make_phantom(seed, case_id, kind, spacing)
