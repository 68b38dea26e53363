"""What a file of a BIDS tree is, by its name, its folder and the `Type` of its sidecar.

Words are compared whole: `brainstem` is no brain mask. A mask that is neither lesion, brain nor known anatomy is
`UNKNOWN_MASK`, so that no patient loses a lesion mask because of its name.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from uad_bench.data.bids_entities import NOT_ANATOMY, folder_tags, is_flair_by_acquisition, name_tags
from uad_bench.data.unread_files import OTHER
from uad_bench.support.text import words_of

IMAGES = {"t1w": "t1", "t2w": "t2", "flair": "flair", "pdw": "pd"}
UNKNOWN_MASK = "unknown mask"
LESION = words_of(
    "lesion lesions lesionmask lesionroi lesionseg tumor tumour tumors tumours wmh wmhs stroke infarct infarcts "
    "fcd tuber tubers lacune lacunes microbleeds cmb anomaly anomalies"
)
BRAIN = frozenset({"brain", "brainmask"})
#: Anatomy and masks of defacing: no lesion, and not the brain.
ANATOMY = words_of(
    "gm wm csf bg scgm cgm ncgm bone bs cbm gmwm aseg aparc aparcaseg ribbon cortex brainstem cerebellum thalamus "
    "hippocampus amygdala ventricle ventricles vent tissue tissues pve head skull face deface defaced defacemask "
    "eye eyes surf"
)
NEGATED = frozenset({"no", "non", "not", "without"})
MASK = re.compile(
    r".*(mask|msk|roi|seg|segmentation)s?|label(map)?s?|gt|groundtruth|annotations?|delineations?|contours?"
)
SEGMENTATION = re.compile(r".*segmentations?|labelmaps?")
#: A word such as `mslesions`; `lesionfilled` is an image without lesions.
LESION_PART = re.compile(r"(?!.*(fill|inpaint|disconn|free)).*lesion.*")
FILLED = words_of("filled filling inpainted")
#: Words within a word, by capitals: `lesionAcute`, `MSlesions`.
PARTS = (re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])"), re.compile(r"[A-Z]+|[a-z]+"))
#: Entities whose value names the content of a mask.
LABEL_KEYS = ("label", "desc", "seg", "lesion")


@dataclass(frozen=True)
class Name:
    """A file name: its entities (`sub-01` -> sub: 01), and its words without a key, the suffix last."""

    path: Path
    tags: Mapping[str, str]
    words: Sequence[str]
    last: str

    @property
    def case_id(self) -> str:
        """The id of the case: subject, and session where there is one."""
        return "_".join(f"{key}-{self.tags[key]}" for key in ("sub", "ses") if key in self.tags)

    @property
    def label_words(self) -> set[str]:
        """The lower-case words for the content of a mask; `T1lesion` and `MSlesions` have the word lesion."""
        texts = [*self.words, *(self.tags.get(key, "") for key in LABEL_KEYS)]
        whole = {text.lower() for text in texts}
        parts = {part.lower() for text in texts for pattern in PARTS for part in pattern.findall(text)}
        return whole | parts | ({"lesion"} if "lesion" in self.tags else set())


def parsed(path: Path, folders: Sequence[str] = ()) -> Name:
    """The name of a file in its parts; a name without session has that of its folders, if they name one."""
    parts = path.name.partition(".")[0].split("_")
    tags = name_tags(path.name)
    session = folder_tags(folders).get("ses")
    if session is not None and "sub" in tags:
        tags.setdefault("ses", session)
    return Name(path, tags, [part for part in parts if "-" not in part], parts[-1])


def is_anatomy(name: Name, folders: Sequence[str]) -> bool:
    """Whether a file is of the anatomy, by its folders and entities."""
    return not NOT_ANATOMY & set(folders) and "task" not in name.tags


def is_unread_image(path: Path) -> bool:
    """Whether a file is an image, by its suffix, and of a format that is not read."""
    suffix = path.name.partition(".")[0].rpartition("_")[2].lower()
    return suffix in IMAGES and bool(OTHER.fullmatch(path.name))


def what_is(
    name: Name, *, derived: bool, lesion_masks: Sequence[str], ignore_masks: Sequence[str]
) -> str | None:
    """A modality, `lesion_mask`, `brain_mask` or `UNKNOWN_MASK`; None for files of no interest.

    lesion_masks, ignore_masks: patterns of file names, as the user sets them; `ignore_masks` takes precedence.
    """
    if _matches(name.path, ignore_masks):
        return None
    if _matches(name.path, lesion_masks):
        return "lesion_mask"
    suffix = name.words[-1].lower() if name.words else ""
    if suffix in IMAGES and name.last.lower() == suffix:
        if derived or name.tags.get("part", "mag") != "mag":
            return UNKNOWN_MASK if derived and _is_labelled_lesion(name) else None
        if is_flair_by_acquisition(name.path.name):
            return "flair"
        return "t1ce" if suffix == "t1w" and "ce" in name.tags else IMAGES[suffix]
    return _mask(name) if _is_mask(name) else None


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    """Whether a pattern is the file's name, or the end of it, without `.nii.gz`."""
    stem = path.name.partition(".")[0]
    return any(fnmatchcase(stem, pattern) or fnmatchcase(stem, f"*_{pattern}") for pattern in patterns)


def _is_labelled_lesion(name: Name) -> bool:
    """Whether an entity says lesion, as in `sub-01_desc-lesion_T1w`: a mask that is named like an image."""
    return any(name.tags.get(key, "").lower() in LESION for key in LABEL_KEYS)


def _is_mask(name: Name) -> bool:
    found = name.label_words
    return _ends_as_mask(name) or bool(LESION & found) or any(map(LESION_PART.fullmatch, found))


def _ends_as_mask(name: Name) -> bool:
    last, key = name.last.lower(), name.last.partition("-")[0] if "-" in name.last else ""
    return bool(MASK.fullmatch(last)) or last in LESION or key in {"label", "seg", "lesion"}


def _mask(name: Name) -> str | None:
    """What a mask shows. `_roi` and `_msk` are lesions where no label says otherwise; so are files of Type Lesion.

    A file without subject in its name is a lesion mask only by its end: pipelines write other maps.
    """
    found, kind = name.label_words, _type(name.path)
    if FILLED & found and not _ends_as_mask(name):
        return None
    if NEGATED & found:
        return UNKNOWN_MASK
    if LESION & found or kind == "lesion":
        return "lesion_mask" if "sub" in name.tags or _ends_as_mask(name) else UNKNOWN_MASK
    if BRAIN & found or kind == "brain":  # the segmentation of a brain is no brain mask
        return None if SEGMENTATION.fullmatch(name.last.lower()) else "brain_mask"
    if ANATOMY & found or kind == "face":
        return None
    labelled = kind or any(name.tags.get(key) for key in LABEL_KEYS) or "sub" not in name.tags
    return "lesion_mask" if name.last.lower() in {"roi", "msk"} and not labelled else UNKNOWN_MASK


def _type(path: Path) -> str:
    """`Type` of the sidecar in lower case, "" without one."""
    try:
        content = json.loads(path.with_name(path.name.partition(".")[0] + ".json").read_text("utf-8-sig"))
        return str(content.get("Type", "")).lower() if isinstance(content, dict) else ""
    except (OSError, ValueError, RecursionError):
        return ""
