"""What the dataset.json of an nnU-Net dataset says: channels, labels, format and files."""

import json
import logging
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

    channels: modality by number; ending: of the files; labels: lesions by name and value; ignored: values that are
    neither lesion nor healthy; training: number of training cases; files: of each case, where it lists them.
    """

    channels: Mapping[int, str]
    ending: str
    labels: tuple[str, ...]
    ignored: tuple[int, ...]
    training: int | None
    files: Mapping[str, Any]


def read_description(root: Path, columns: Mapping[str, str]) -> Description:
    """The dataset.json in `root`, of version 1 or 2.

    columns: the name or the number of a modality's channel. Raises DataError for a file that is missing or cannot be
    read, for another format than NIfTI, for channels without a known modality, and for a channel of `columns` that is
    not there (UB334).
    """
    path = root / NAME
    content = _content(root, path)
    names = content.get("channel_names", content.get("modality"))
    if not isinstance(names, dict) or not names or not all(str(key).isdecimal() for key in names):
        raise fault(path, "no channel_names with their numbers", 'expected {"channel_names": {"0": "T2"}}')
    ending = str(content.get("file_ending", FORMATS[0]))
    if ending not in FORMATS:
        raise fault(path, f"files {ending} are not read", "convert the images and masks to .nii.gz")
    labels, training, files = (content.get(key) for key in ("labels", "numTraining", "dataset"))
    labels = labels if isinstance(labels, dict) else {}
    return Description(
        _channels({int(key): str(name) for key, name in names.items()}, columns, path),
        ending,
        tuple(f"{name} {value}" for name, value in labels.items() if _is_lesion(name, value)),
        (labels["ignore"],) if isinstance(labels.get("ignore"), int) else (),
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
    except (OSError, ValueError) as error:
        raise fault(path, f"it cannot be read: {error}", "copy the file again") from error
    return content if isinstance(content, dict) else {}


def _is_lesion(name: str, value: Any) -> bool:
    """Whether an entry of `labels` is above 0: {"edema": 1} (version 2), {"1": "edema"} (version 1)."""
    return name not in {"background", "ignore", "0"} and value != 0


def _channels(names: Mapping[int, str], columns: Mapping[str, str], path: Path) -> dict[int, str]:
    """The modality of each channel that has one; warns of the other channels."""
    found = {number: _modality(name) for number, name in names.items()}
    found = {number: modality for number, modality in found.items() if modality and modality not in columns}
    for modality, word in columns.items():
        found[_number(names, str(word), path)] = modality
    twice = [modality for modality in found.values() if list(found.values()).count(modality) > 1]
    if twice or not found:
        what = f"two channels are {twice[0]}" if twice else "no channel is of a known modality"
        raise fault(path, f"{what}: {', '.join(names.values())}", CHOOSE)
    if unread := [name for number, name in names.items() if number not in found]:
        log.warning("%s: channels that are not read: %s; %s", path, ", ".join(unread), CHOOSE)
    return found


def _number(names: Mapping[int, str], word: str, path: Path) -> int:
    """The number of the channel that a user names by its name or number. Raises DataError where there is none."""
    for number, name in names.items():
        if word.lower() in {name.lower(), str(number), f"{number:04d}"}:
            return number
    known = ", ".join(f"{number} {name}" for number, name in names.items())
    raise fault(path, f"no channel {word!r}", f"the channels are {known}")


def _modality(name: str) -> str:
    """The modality that the name of a channel says, "" where it says none.

    >>> [_modality(name) for name in ("FLAIR", "T2-FLAIR", "T1w", "T1-weighted", "T1-Gd", "T1w_Gd", "ADC", "zscore")]
    ['flair', 'flair', 't1', 't1', 't1ce', 't1ce', '', '']
    """
    word = "".join(filter(str.isalnum, name.lower())).replace("weighted", "")
    return "t1ce" if word in CONTRAST_AGENT else MODALITIES.get(word, "")


def fault(where: Path, what: str, hint: str) -> DataError:
    """An error of an nnU-Net dataset as a whole."""
    return DataError(what, where=str(where), hint=hint, code="UB334")
