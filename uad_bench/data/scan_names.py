"""What the name of a scan's file says: modality, brain mask, case and subject."""

import re
from dataclasses import dataclass
from pathlib import Path

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
LAST_WORD = re.compile(r"[._-]([A-Za-z0-9]+)$")


@dataclass(frozen=True)
class Named:
    """A file, and what its name says."""

    path: Path
    kind: str  # a modality, BRAIN_MASK, or "" where the name says neither
    stem: str  # the name without the word that says so
    of: str = ""  # of a brain mask: the modality of its image, where the name says it


def modality_of(path: Path) -> str:
    """The modality that a file's name says, `brain_mask`, or "".

    >>> [modality_of(Path(name)) for name in ("sub-01_ses-2_FLAIR.nii.gz", "p7_brainmask.nii", "x.nii")]
    ['flair', 'brain_mask', '']
    """
    return parsed(path).kind


def parsed(path: Path) -> Named:
    """What the name of a file says."""
    stem = EXTENSION.sub("", path.name)
    if MASK_WORDS.search(stem):
        rest = MASK_WORDS.sub("", stem)
        word = LAST_WORD.search(rest)  # `case_T2w_brain_mask` is the mask of `case_T2w`
        of = MODALITIES.get(word[1].lower(), "") if word else ""
        return Named(path, BRAIN_MASK, rest[: word.start()] if word and of else rest, of)
    if DERIVED_WORDS.search(stem):
        return Named(path, DERIVED, stem)
    last = LAST_WORD.search(stem)
    kind = MODALITIES.get(last[1].lower(), "") if last else ""
    if kind == "t1" and re.search(r"(^|_)ce-", stem):
        kind = "t1ce"
    return Named(path, kind, stem[: last.start()] if last and kind else stem)


def session_of(stem: str) -> str:
    """`sub-01_ses-2` of a BIDS name, else the stem."""
    match = re.match(r"(sub-[A-Za-z0-9]+)(_ses-[A-Za-z0-9]+)?(_|$)", stem)
    return f"{match[1]}{match[2] or ''}" if match else stem


def subject_of(case_id: str) -> str:
    """`sub-01` of a BIDS name, else the whole id."""
    return case_id.partition("_")[0] if case_id.startswith("sub-") else case_id
