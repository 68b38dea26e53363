"""Names and descriptions of files as BIDS derivatives have them (bids-specification.readthedocs.io, 1.10).

There is no official suffix for anomaly maps: they are not probabilities, so `probseg` would be wrong. They have the
suffix `scoremap`, which .bidsignore hides from validators; thresholded maps are ordinary `mask` files.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from uad_bench.errors import UsageError
from uad_bench.support.atomic_files import write_json, write_text

#: Dataset, subject id, case id.
Key = tuple[str, str, str]
VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
IGNORED = "*_scoremap.nii.gz\n*_scoremap.json\n"


def value(text: str) -> str:
    """`text` as the value of an entity: its letters and digits."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def names(cases: Iterable[Key]) -> dict[Key, str]:
    """`sub-..` or `sub-.._ses-..` for each case (dataset, subject id, case id).

    A session is named where a subject has several cases, by what the case id adds to the subject id.
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    for dataset, subject, case_id in cases:
        subjects.setdefault((dataset, subject), []).append(case_id)
    return {
        (dataset, subject, case_id): f"sub-{_label(subject)}"
        + (_session(subject, case_id) if len(all_) > 1 else "")
        for (dataset, subject), all_ in subjects.items()
        for case_id in all_
    }


def _label(subject: str) -> str:
    """The label of a subject; one from a BIDS tree is `sub-01` already and stays so.

    >>> _label("sub-01"), _label("p-7")
    ('01', 'p7')
    """
    return value(subject.removeprefix("sub-")) or value(subject)


def _session(subject: str, case_id: str) -> str:
    rest = re.sub(r"^[-_.]*(ses-)?", "", case_id.removeprefix(subject))
    return f"_ses-{value(rest) or value(case_id)}"


def refuse_twins(what: str, called: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError where two subjects or methods would get the same BIDS name (UB230)."""
    met: dict[str, str] = {}
    for own, name in called:
        other = met.setdefault(name.casefold(), own)  # some file systems ignore case
        if other != own:
            hint = "write them one by one, with --to folders of their own; names hold letters and digits only"
            raise UsageError(f"the {what} {other} and {own} would both be {name}", hint=hint, code="UB230")


def image_path(name: str, described: str, suffix: str, space: str = "") -> Path:
    """`sub-x/anat/sub-x_desc-y_suffix.nii.gz`, or with a session `sub-x/ses-s/anat/sub-x_ses-s_desc-y_..`.

    space: `_space-z`, or "" for the space of the file.
    """
    return Path(*name.split("_"), "anat", f"{name}{space}_desc-{value(described)}_{suffix}.nii.gz")


def sidecar(image: Path) -> Path:
    """The JSON sidecar of an image."""
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def begin(folder: Path, generator: Mapping[str, Any], ignored: str = "") -> None:
    """Make `folder` a BIDS derivative dataset of `generator` (Name, Version ...).

    ignored: further lines of .bidsignore. Raises UsageError where it is a dataset of another generator (UB231),
    EnvironmentFault where it cannot be written.
    """
    refuse_other_dataset(folder, generator)
    about = {
        "Name": "Anomaly maps",
        "BIDSVersion": VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generator],
    }
    write_json(folder / DESCRIPTION, about)
    _ignore(folder / ".bidsignore", IGNORED + ignored)


def _ignore(path: Path, text: str) -> None:
    """Add lines to .bidsignore: those of another command that writes to the folder, and of the user, stay."""
    try:
        there = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        there = ""
    lines = dict.fromkeys([*there.splitlines(), *text.splitlines()])
    write_text(path, "".join(f"{line}\n" for line in lines))


def refuse_other_dataset(folder: Path, generator: Mapping[str, Any]) -> None:
    """Raise UsageError where a folder is a dataset of another generator (UB231)."""
    path = folder / DESCRIPTION
    if path.exists() and generator["Name"] not in _makers(path):
        hint = "name a new folder, for instance derivatives/uad-bench within it"
        raise UsageError("the folder holds another dataset", where=str(folder), hint=hint, code="UB231")


def _makers(description: Path) -> set[str]:
    try:
        return {str(one["Name"]) for one in json.loads(description.read_text())["GeneratedBy"]}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return set()


def described(image: Path) -> dict[str, Any]:
    """The content of the JSON sidecar of an image, empty where it cannot be read."""
    try:
        found: dict[str, Any] = json.loads(sidecar(image).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
