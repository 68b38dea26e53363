"""Files that are written whole or not at all: to a temporary name, fsync, rename."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from uad_bench.errors import EnvironmentFault


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`: afterwards either the whole new file exists or the old one is unchanged.

    Raises EnvironmentFault where the disk or the permissions do not allow it.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise EnvironmentFault(
            f"cannot write: {reason}", where=str(path), hint="nothing was replaced"
        ) from error


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text, UTF-8 with \\n on every machine."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:  # any JSON value
    """Strict JSON (no NaN), keys sorted, so that equal content is equal bytes."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
