"""One entry of the cache: its name, its check, its making. Made whole beside its place, then renamed."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from uad_bench.data.checks import check_ids, place
from uad_bench.errors import DataError
from uad_bench.files import sha256, sync_folder, write_json
from uad_bench.prepare.chain import Prepared, parse_steps, run_chain
from uad_bench.types import Case

#: Raised whenever the code of a step changes what it makes, so that no old entry is taken for new.
RECIPE = 2
RECORD = "record.json"
LIBRARIES = ("nibabel", "numpy", "scipy")


def entry_folder(
    case: Case, modalities: Sequence[str], steps: Sequence[Mapping[str, Any]], cache_dir: Path
) -> Path:
    """Where the entry of a case is: named by all that its content depends on.

    Files count by name, size and time of change, so a moved data folder stays warm and an edited file does
    not. Raises IntegrityError for an id that is no plain word, UsageError for steps that cannot be, DataError
    for a missing file (UB321).
    """
    check_ids([case])
    content = {
        "recipe": RECIPE,
        "case": [case.dataset, case.case_id, list(case.lesion_labels)],
        "files": {role: _stamp(path, case.case_id) for role, path in sources(case, modalities).items()},
        "modalities": list(modalities),
        "steps": [step.model_dump(mode="json") for step in parse_steps(steps)],
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return cache_dir / "prepared" / key[:2] / key


def sources(case: Case, modalities: Sequence[str]) -> dict[str, Path]:
    """The files that an entry is made from, by what they are."""
    files = {name: case.images[name] for name in modalities if name in case.images}
    masks = {"brain_mask": case.brain_mask, "lesion_mask": case.lesion_mask}
    return files | {role: path for role, path in masks.items() if path is not None}


def read_entry(folder: Path) -> dict[str, Any] | None:
    """The record of an entry whose files all have the digests written in it; None for any other folder."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        whole = all(sha256(folder / name) == known for name, known in record["files"].items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return record if whole else None


def make_entry(
    case: Case, modalities: Sequence[str], steps: Sequence[Mapping[str, Any]], folder: Path
) -> dict[str, Any]:
    """Prepare the case and put its entry in place of whatever is there; the record. Call it under a lock.

    Raises what `run_chain` raises, OSError or EnvironmentFault where the disk fails; nothing is left then.
    """
    result = run_chain(case, modalities, steps)
    aside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        for name, array in _arrays(result).items():
            _save(aside / name, array)
        record = _record(case, modalities, result, aside)
        write_json(aside / RECORD, record)
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return record


def _arrays(result: Prepared) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {"image.npy": result.image, "brain_mask.npy": result.brain_mask}
    # Apart from the image, so that no reader of images ever meets a lesion.
    return arrays if result.lesion_mask is None else arrays | {"lesion_mask.npy": result.lesion_mask}


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _record(case: Case, modalities: Sequence[str], result: Prepared, folder: Path) -> dict[str, Any]:
    """What the entry was made from and how, with nothing in it that changes from one making to the next."""
    files = {role: (path.name, sha256(path)) for role, path in sources(case, modalities).items()}
    return {
        "recipe": RECIPE,
        "dataset": case.dataset,
        "case_id": case.case_id,
        "modalities": list(modalities),
        "affine": result.affine.tolist(),
        "lost": result.lost,
        "steps": result.record,
        "sources": {role: {"file": name, "sha256": known} for role, (name, known) in files.items()},
        "versions": {library: version(library) for library in LIBRARIES},
        "files": {name: sha256(folder / name) for name in _arrays(result)},
    }


def _stamp(path: Path, case_id: str) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        what = f"cannot read the file: {error.strerror or error}"
        hint = "check the path and its permissions"
        raise DataError(what, where=place(case_id, path), hint=hint, code="UB321") from None
    return path.name, status.st_size, status.st_mtime_ns
