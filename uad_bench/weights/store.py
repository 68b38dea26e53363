"""The folder of bundles on this machine, and how a bundle in it is named: NAME@DIGEST."""

import glob
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from uad_bench.errors import UadError, UsageError
from uad_bench.support.user_folders import user_folder
from uad_bench.weights.bundle import Bundle, is_bundle, open_bundle
from uad_bench.weights.manifest import DIGEST, NAME, changed

log = logging.getLogger(__name__)

REFERENCE = re.compile(rf"({NAME})@([0-9a-f]{{8,64}})")
UNKNOWN = "UB260"


@dataclass(frozen=True)
class Reference:
    """A bundle by name and the first digits of its digest, 8 or more."""

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}"


def is_reference(text: str) -> bool:
    """Whether a text has the form NAME@DIGEST."""
    return bool(REFERENCE.fullmatch(text))


def reference(text: str) -> Reference:
    """NAME@DIGEST as a value. Raises UsageError for another text (UB260).

    >>> reference("ae-phantom@0123456789ab").digest
    '0123456789ab'
    """
    match = REFERENCE.fullmatch(text)
    if not match:
        hint = "write NAME@DIGEST with 8 digits of the digest or more, as `uad-bench weights list` shows it"
        raise UsageError(f"{text!r:.100} names no bundle", hint=hint, code=UNKNOWN)
    return Reference(match[1], match[2])


def default_store() -> Path:
    """$UAD_BENCH_WEIGHTS, or a folder of the user's data. Raises EnvironmentFault for a user without a home folder."""
    from platformdirs import user_data_path

    return user_folder("UAD_BENCH_WEIGHTS", lambda: user_data_path("uad-bench") / "weights", "weights")


def folders(store: Path, name: str = "*") -> Iterator[Path]:
    """The folders of a store that are named as bundles are, ordered by name; what is written aside is no bundle."""
    yield from (
        path for path in sorted(store.glob(f"{name}/*")) if DIGEST.fullmatch(path.name) and path.is_dir()
    )


def bundles(store: Path, name: str = "*") -> Iterator[Bundle | UadError]:
    """Every bundle of a store, or of one name; an error for each folder whose manifest is not what its name says."""
    for folder in folders(store, name):
        try:
            found = open_bundle(folder)
            if found.manifest.name != folder.parent.name:  # it cannot be pulled by either name
                changed(f"the folder above is named {folder.parent.name!r:.80}", found.label)
            yield found
        except UadError as error:
            yield error


def bundles_at(place: Path) -> list[Bundle | UadError]:
    """The bundles of a store, of the folder of one name in a store, or the one in the folder of a bundle."""
    if not is_bundle(place):
        return [*bundles(place), *bundles(place.parent, glob.escape(place.name))]
    try:
        return [open_bundle(place)]
    except UadError as error:
        return [error]


def find(wanted: Reference, store: Path) -> Bundle | None:
    """The bundle of a store, None where there is none; pretrained weights also by the digest of their original file.

    Raises UsageError where several match (UB260), IntegrityError as `open_bundle`.
    """
    found = [path for path in folders(store, wanted.name) if path.name.startswith(wanted.digest)]
    matches = [open_bundle(path) for path in found] or _by_original(wanted, store)
    if len(matches) > 1:
        hint = f"give more digits: {' or '.join(one.digest[:20] for one in matches)}"
        raise UsageError(f"{len(matches)} bundles match {wanted}", hint=hint, code=UNKNOWN)
    return matches[0] if matches else None


def stored_bundle(wanted: Reference, store: Path) -> Bundle:
    """As `find`; raises UsageError where there is none (UB260)."""
    found = find(wanted, store)
    if found is None:
        there = [f"{path.parent.name}@{path.name[:12]}" for path in folders(store)]
        has = (
            f"it holds {', '.join(there[:8])}{', ...' if len(there) > 8 else ''}"
            if there
            else "it holds none"
        )
        hint = f"{has}; `uad-bench weights pull {wanted} --from SOURCE` or `weights import` adds one"
        raise UsageError(f"no bundle {wanted} on this machine", where=str(store), hint=hint, code=UNKNOWN)
    return found


def _by_original(wanted: Reference, store: Path) -> list[Bundle]:
    """Pretrained weights by the digest of the file that they were imported from; of equal weights the first."""
    found: dict[str, Bundle] = {}
    for one in bundles(store, wanted.name):
        if isinstance(one, UadError):
            log.warning("left out: %s", one)
        elif one.manifest.pretrained and one.manifest.pretrained.sha256.startswith(wanted.digest):
            found.setdefault(one.manifest.pretrained.sha256, one)
    return list(found.values())
