"""All entries of the cache: what each contains, whether it is intact, and its removal."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.config import digest
from uad_bench.prepare.cache.entry import RECIPE, RECORD, digests_match, read_entry


@dataclass(frozen=True)
class CacheEntry:
    """One entry. steps: 12 hex digits of its steps; size: bytes; made: seconds since 1970; current: by this version."""

    folder: Path
    dataset: str
    case_id: str
    modalities: tuple[str, ...]
    steps: str
    size: int
    made: float
    current: bool


def entries(cache_dir: Path) -> Iterator[CacheEntry]:
    """Every entry with a readable record, by dataset and case id."""
    found = [_entry(path.parent) for path in (cache_dir / "prepared").glob(f"*/*/{RECORD}")]
    yield from sorted((one for one in found if one), key=lambda one: (one.dataset, one.case_id, one.steps))


def _entry(folder: Path) -> CacheEntry | None:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        steps = [{k: v for k, v in step.items() if k != "figures"} for step in record["steps"]]
        return CacheEntry(
            folder,
            str(record["dataset"]),
            str(record["case_id"]),
            tuple(record["modalities"]),
            digest(steps),
            _size(folder),
            (folder / RECORD).stat().st_mtime,
            record["recipe"] == RECIPE,
        )
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None


def damaged(cache_dir: Path) -> Iterator[Path]:
    """Folders of the cache that differ from what was written: other sizes, other digests, or no readable record."""
    for folder in sorted((cache_dir / "prepared").glob("*/*")):
        if folder.is_dir() and not folder.name.startswith("."):
            record = read_entry(folder)
            if record is None or not digests_match(folder, record):
                yield folder


def unfinished(cache_dir: Path) -> Iterator[Path]:
    """Incomplete folders of killed processes, older than an hour."""
    for folder in (cache_dir / "prepared").glob("*/.*.tmp"):
        if time.time() - folder.stat().st_mtime > 3600:
            yield folder


def remove(folder: Path) -> int:
    """Remove an entry; the number of bytes. Its lock file stays, because another process may hold the lock."""
    size = _size(folder)
    # Renamed first, so that no reader finds an incomplete entry.
    hidden = folder.with_name(f".{folder.name.lstrip('.')}.tmp")
    if hidden != folder:
        shutil.rmtree(hidden, ignore_errors=True)
        folder.replace(hidden)
    shutil.rmtree(hidden)
    return size


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
