"""What the name of a scan's file and its folders say: modality, brain mask, case and subject."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from uad_bench.data.bids_entities import NATIVE, folder_tags, name_tags

#: The last word of a file's name, in lower case, and the modality that it stands for.
MODALITIES = {
    "t1": "t1", "t1w": "t1", "t2": "t2", "t2w": "t2", "flair": "flair", "pd": "pd", "pdw": "pd",
    "t1ce": "t1ce", "t1c": "t1ce", "t1gd": "t1ce", "t1cew": "t1ce",
}  # fmt: skip
BRAIN_MASK = "brain_mask"
EXTENSION = re.compile(r"(?i)\.nii(\.gz)?$")
MASK_WORDS = re.compile(r"(?i)[._-](desc-)?brain[_-]?mask$")
#: What is made of scans, by the end of its name: masks, segmentations and maps are no scans, whatever --modality says.
DERIVED_WORDS = re.compile(
    r"(?i)[._-]([a-z]*mask|msk|scoremap|d?seg|probseg|segmentation|lesions?|labels?|roi)$"
)
DERIVED = "a mask or a map"
SESSION = re.compile(r"(sub-[A-Za-z0-9]+)(_ses-[A-Za-z0-9]+)?(?=_|$)")
LAST_WORD = re.compile(r"[._-]([A-Za-z0-9]+)$")


@dataclass(frozen=True)
class Named:
    """A file, and what its name says."""

    path: Path
    kind: str  # a modality, BRAIN_MASK, or "" where the name says neither
    stem: str  # the name without the word that says so, with the session of its folders
    of: str = ""  # of a brain mask: the modality of its image, where the name says it


def modality_of(path: Path) -> str:
    """The modality that a file's name says, `brain_mask`, or "".

    >>> [modality_of(Path(name)) for name in ("sub-01_ses-2_FLAIR.nii.gz", "p7_brainmask.nii", "x.nii")]
    ['flair', 'brain_mask', '']
    """
    return parsed(path).kind


def parsed(path: Path) -> Named:
    """What the name of a file says, and its folders of the session."""
    stem = EXTENSION.sub("", path.name)
    if MASK_WORDS.search(stem):
        of, rest = _modality(MASK_WORDS.sub("", stem))  # `case_T2w_brain_mask` is the mask of `case_T2w`
        return Named(path, BRAIN_MASK, _with_session(rest, path), of)
    if _is_derived(stem):
        return Named(path, DERIVED, stem)
    kind, rest = _modality(stem)
    return Named(path, kind, _with_session(rest, path))


def _is_derived(stem: str) -> bool:
    """Whether the name is that of a mask, of a map or of a part of a complex image other than its magnitude."""
    return bool(DERIVED_WORDS.search(stem)) or _tags(stem).get("part", "mag") != "mag"


def _modality(stem: str) -> tuple[str, str]:
    """The modality that the last word of a name says, and the name without it; "" and the name where it says none."""
    last = LAST_WORD.search(stem)
    kind = MODALITIES.get(last[1].lower(), "") if last else ""
    if last is None or not kind:
        return "", stem
    if kind == "t1" and re.search(r"(^|_)ce-", stem):
        kind = "t1ce"
    if is_flair_by_acquisition(stem):
        kind = "flair"
    return kind, stem[: last.start()]


def is_flair_by_acquisition(name: str) -> bool:
    """Whether a T2w file has an acquisition named FLAIR, as in `sub-1_acq-FLAIR_T2w` of public BIDS trees."""
    return (
        bool(re.search(r"(?i)_t2w?(\.nii(\.gz)?)?$", name)) and "flair" in _tags(name).get("acq", "").lower()
    )


def _tags(name: str) -> dict[str, str]:
    """The entities of a BIDS name; none of other names."""
    return name_tags(name) if name.startswith("sub-") else {}


def _with_session(stem: str, path: Path) -> str:
    """The stem of a file; a BIDS name without session has that of its folders, if they name one."""
    session = folder_tags(folders_of(path)).get("ses")
    match = SESSION.match(stem)
    if match is None or match[2] or session is None:
        return stem
    return f"{match[1]}_ses-{session}{stem[match.end(1) :]}"


def folders_of(path: Path) -> tuple[str, ...]:
    """The folders of a file from the root of the file system, also where it is named from the working folder."""
    return Path(os.path.abspath(path)).parts[:-1]  # noqa: PTH100  # resolve() follows links


def session_of(stem: str) -> str:
    """`sub-01_ses-2` of a BIDS name, else the stem."""
    match = SESSION.match(stem)
    return f"{match[1]}{match[2] or ''}" if match else stem


def space_of(stem: str) -> str:
    """The template of a BIDS name, "" for spaces of the subject itself.

    >>> space_of("sub-01_space-MNI152"), space_of("sub-01_space-T1w_desc-x"), space_of("sub-01")
    ('MNI152', '', '')
    """
    match = re.search(r"_space-([A-Za-z0-9]+)", stem) if stem.startswith("sub-") else None
    return match[1] if match and match[1] not in NATIVE else ""


def subject_of(case_id: str) -> str:
    """`sub-01` of a BIDS name, else the whole id."""
    return case_id.partition("_")[0] if case_id.startswith("sub-") else case_id
