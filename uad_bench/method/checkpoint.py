"""Checkpoints that survive a kill at any moment: written atomically with a digest, the previous one kept."""

import hashlib
import io
import logging
from pathlib import Path
from typing import Any

import torch

from uad_bench.errors import IntegrityError
from uad_bench.support.atomic_files import write_bytes

log = logging.getLogger(__name__)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, strings, containers): the SHA-256 of the content, 32 bytes, then the content.

    Digest and content share one file, so that a crash cannot separate them. The former file stays as NAME.previous.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    if path.exists():
        path.replace(path.with_suffix(".previous"))
    write_bytes(path, hashlib.sha256(content).digest() + content)


def load(path: Path) -> dict[str, Any] | None:
    """The newest intact checkpoint, tensors on the CPU; None if there is no file. An older one is used with a warning.

    Raises IntegrityError if neither file matches its digest.
    """
    candidates = [p for p in (path, path.with_suffix(".previous")) if p.exists()]
    for candidate in candidates:
        data = candidate.read_bytes()
        if hashlib.sha256(data[32:]).digest() == data[:32]:
            if candidate != path:
                log.warning(
                    "%s is damaged or missing: training continues from the checkpoint before it", path.name
                )
            return _read(data[32:], candidate)
    if candidates:
        raise IntegrityError(
            "no checkpoint matches its digest", where=str(path), hint="delete the folder and train again"
        )
    return None


def _read(content: bytes, path: Path) -> dict[str, Any]:
    """The state in a checkpoint. Raises IntegrityError for anything but tensors, numbers, strings and containers."""
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle raise many kinds
        what = f"the checkpoint cannot be read ({type(error).__name__})"
        raise IntegrityError(what, where=str(path), hint="start again with --fresh") from error
    return state
