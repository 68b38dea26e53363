"""What the dataset.json of an nnU-Net dataset says: channels, labels, ending of the files, and their paths."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uad_bench.data.scan_names import MODALITIES
from uad_bench.errors import DataError
from uad_bench.support.text import first_names

log = logging.getLogger(__name__)

NAME = "dataset.json"
LAYOUT = (
    "imagesTr/CASE_0000.nii.gz, imagesTr/CASE_0001.nii.gz ... and labelsTr/CASE.nii.gz, beside dataset.json"
)
FORMATS = (".nii.gz", ".nii")
#: Words of channels for T1 with contrast agent, beside those that end names of files.
CONTRAST_AGENT = ("t1wgd", "t1wc", "t1postcontrast", "t1gadolinium")
CHOOSE = "say by its name or number which channel a modality is: folder.columns.t2=0"


@dataclass(frozen=True)
class Description:
    """What a dataset.json says.

    names: of the channels by number; modalities: of those that are read; ending: of the files; lesions: names and
    values of labels; ignored: values that are neither lesion nor healthy; training: number of training cases;
    files: of each case, where it lists them.
    """

    names: Mapping[int, str]
    modalities: Mapping[int, str]
    ending: str
    lesions: tuple[str, ...]
    ignored: tuple[int, ...]
    training: int | None
    files: Mapping[str, Any]


def read_description(root: Path, columns: Mapping[str, str]) -> Description:
    """The dataset.json in `root`, of version 1 or 2.

    columns: the name or the number of a modality's channel. Raises DataError for a file that is missing or cannot be
    read, for another format than NIfTI, for channels that are not numbered from 0 or without a known modality, for a
    channel of `columns` that is not there, and for a label `ignore` that is no value above 0 (UB334).
    """
    path = root / NAME
    content = _content(root, path)
    names = _names(content, path)
    ending = str(content.get("file_ending") or FORMATS[0])
    if ending not in FORMATS:
        raise fault(path, f"files {ending} are not read", "convert the images and masks to .nii.gz")
    labels, training, files = (content.get(key) for key in ("labels", "numTraining", "dataset"))
    values = _labels(labels if isinstance(labels, dict) else {}, path)
    return Description(
        names,
        _modalities(names, columns, path),
        ending,
        tuple(
            f"{name} {value}"
            for name, value in values.items()
            if name not in {"background", "ignore"} and value
        ),
        (values["ignore"],) if "ignore" in values else (),
        training if isinstance(training, int) else None,
        files if isinstance(files, dict) else {},
    )


def _content(root: Path, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        below = sorted(one.parent.name for one in root.glob(f"*/{NAME}"))
        hint = (
            f"name one of its folders as the root: {first_names(below, 3)}" if below else f"expected {LAYOUT}"
        )
        raise fault(root, f"no {NAME}", hint) from None
    except (OSError, ValueError, RecursionError) as error:
        raise fault(path, f"it cannot be read: {error}", "copy the file again") from error
    return content if isinstance(content, dict) else {}


def _names(content: Mapping[str, Any], path: Path) -> dict[int, str]:
    """The names of the channels by number, under `channel_names` (version 2) or `modality` (version 1)."""
    names = content.get("channel_names") or content.get("modality")
    found = names if isinstance(names, dict) else {}
    if not found or set(found) != {str(number) for number in range(len(found))}:
        hint = 'expected the numbers from 0 on and a name for each: {"channel_names": {"0": "T1", "1": "T2"}}'
        raise fault(path, "channel_names does not number the channels", hint)
    return {number: str(found[str(number)]) for number in range(len(found))}


def _labels(labels: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Value by name: {"edema": 1} (version 2), {"1": "edema"} (version 1). Raises DataError for a wrong `ignore`."""
    old = bool(labels) and all(name.isdecimal() for name in labels)
    values = {str(name): int(value) for value, name in labels.items()} if old else dict(labels)
    ignore = values.get("ignore", 1)
    if not isinstance(ignore, int) or isinstance(ignore, bool) or ignore < 1:
        raise fault(path, f"the label ignore is {ignore!r}", "expected a whole number above 0")
    return values


def _modalities(names: Mapping[int, str], columns: Mapping[str, str], path: Path) -> dict[int, str]:
    """The modality of each channel that is read; warns of the other channels."""
    said = {number: _modality(name) for number, name in names.items()}
    found = {number: modality for number, modality in said.items() if modality and modality not in columns}
    chosen = {modality: _number(names, word, path) for modality, word in columns.items()}
    found |= {number: modality for modality, number in chosen.items()}
    listed = [f"{number} {name}" for number, name in names.items()]
    twice = [modality for modality in found.values() if list(found.values()).count(modality) > 1]
    if twice or not found:
        what = f"two channels are {twice[0]}" if twice else "no channel is of a known modality"
        raise fault(path, f"{what}: {', '.join(listed)}", CHOOSE)
    if len(set(chosen.values())) < len(chosen):
        raise fault(path, f"two modalities are one channel: {', '.join(sorted(chosen))}", CHOOSE)
    if unread := [name for number, name in enumerate(listed) if number not in found]:
        log.warning("%s: channels that are not read: %s; %s", path, ", ".join(unread), CHOOSE)
    return found


def _number(names: Mapping[int, str], word: str, path: Path) -> int:
    """The number of the channel that a user names by its name or number. Raises DataError where none or two have it."""
    found = [n for n, name in names.items() if word.lower() in {name.lower(), str(n), f"{n:04d}"}]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{number} {name}" for number, name in names.items())
    raise fault(
        path,
        f"{len(found) or 'no'} channels are {word!r}",
        f"name one by its number; the channels are {known}",
    )


def _modality(name: str) -> str:
    """The modality that the name of a channel says, "" where it says none. `T2*` is not T2, and `T1+C` not T1.

    >>> [_modality(name) for name in ("FLAIR", "T2-FLAIR", "T1w", "T1-weighted", "T1-Gd", "T1w_Gd")]
    ['flair', 'flair', 't1', 't1', 't1ce', 't1ce']
    >>> [_modality(name) for name in ("ADC", "T2*", "T1+", "T1+C", "zscore")]
    ['', '', '', '', '']
    """
    if not re.fullmatch(r"[\w .-]+", name):
        return ""
    word = re.sub(r"[_ .-]|weighted", "", name.lower())
    return "t1ce" if word in CONTRAST_AGENT else MODALITIES.get(word, "")


def fault(where: Path, what: str, hint: str) -> DataError:
    """An error of an nnU-Net dataset as a whole."""
    return DataError(what, where=str(where), hint=hint, code="UB334")
