"""The cache as a whole: what is in it, whether it is still what was written, and what may go."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.config import digest
from uad_bench.prepare.cache.entry import RECIPE, RECORD, read_entry, whole


@dataclass(frozen=True)
class Shelved:
    """One entry. steps: 12 hex digits of its steps; used: when it was made (seconds since 1970); size: bytes."""

    folder: Path
    dataset: str
    case_id: str
    modalities: tuple[str, ...]
    steps: str
    size: int
    made: float
    current: bool


def entries(cache_dir: Path) -> Iterator[Shelved]:
    """Every entry with a readable record, by dataset and case id."""
    found = [_shelved(path.parent) for path in (cache_dir / "prepared").glob(f"*/*/{RECORD}")]
    yield from sorted((one for one in found if one), key=lambda one: (one.dataset, one.case_id, one.steps))


def _shelved(folder: Path) -> Shelved | None:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        steps = [{k: v for k, v in step.items() if k != "figures"} for step in record["steps"]]
        return Shelved(
            folder,
            str(record["dataset"]),
            str(record["case_id"]),
            tuple(record["modalities"]),
            digest(steps),
            _size(folder),
            (folder / RECORD).stat().st_mtime,
            record["recipe"] == RECIPE,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def damaged(cache_dir: Path) -> Iterator[Path]:
    """Folders of the cache that are not what was written: sizes, digests, or no readable record."""
    for folder in sorted((cache_dir / "prepared").glob("*/*")):
        if folder.is_dir() and not folder.name.startswith("."):
            record = read_entry(folder)
            if record is None or not whole(folder, record):
                yield folder


def remains(cache_dir: Path) -> Iterator[Path]:
    """What killed processes left: half-made folders that are older than an hour."""
    for folder in (cache_dir / "prepared").glob("*/.*.tmp"):
        if time.time() - folder.stat().st_mtime > 3600:
            yield folder


def remove(folder: Path) -> int:
    """Forget an entry; the bytes that this frees. Its lock file stays: another process may hold it."""
    size = _size(folder)
    # First out of the way, so that no reader meets half of it.
    aside = folder.with_name(f".{folder.name.lstrip('.')}.tmp")
    if aside != folder:
        shutil.rmtree(aside, ignore_errors=True)
        folder.replace(aside)
    shutil.rmtree(aside)
    return size


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
