"""What the name of a scan's file and its folders say: modality, brain mask, case and subject."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from uad_bench.data.bids_entities import NATIVE, NOT_ANATOMY, folder_tags, is_flair_by_acquisition, name_tags
from uad_bench.support.text import words_of

#: The last word of a file's name, in lower case and without 2d or 3d, and the modality that it stands for.
MODALITIES = {
    "t1": "t1", "t1w": "t1", "t1n": "t1", "mprage": "t1", "t2": "t2", "t2w": "t2", "flair": "flair", "t2f": "flair",
    "t2flair": "flair", "pd": "pd", "pdw": "pd", "dp": "pd", "t1ce": "t1ce", "t1c": "t1ce", "t1gd": "t1ce",
    "t1cew": "t1ce", "t1wks": "t1ce", "t1post": "t1ce", "gado": "t1ce",
}  # fmt: skip
#: Words of contrasts that no modality stands for: suffixes of BIDS, and words of scanners and programs.
OTHER_CONTRASTS = words_of(
    "dwi dti adc trace b0 b500 b1000 b2000 fa bold cbv cbf sbref epi asl m0scan perf pwi dsc dce mtt tmax ttp ktrans "
    "swi qsm t2star t2starw megre mese vfa irt1 t1rho mpm mtr mts mtw unit1 mp2rage inv1 inv2 "
    "inplanet1 inplanet2 pdt2 angio tof mra mrv ct cta ncct pet fdg phase phase1 phase2 phasediff magnitude magnitude1 "
    "magnitude2 stir dir psir mrs localizer scout"
)
#: Words that say a contrast at the end of a name alone: elsewhere they may be of a group, a site or a visit.
LAST_ONLY = words_of("pd dp ct pet fa dir epi mrs tof trace perf phase phase1 phase2 scout")
BRAIN_MASK = "brain_mask"
EXTENSION = re.compile(r"(?i)\.nii(\.gz)?$")
MASK_WORDS = re.compile(r"(?i)[._-](desc-)?brain[_-]?mask$")
#: What is made of scans, by the end of its name: masks, segmentations and maps are no scans, whatever --modality says.
DERIVED_WORDS = re.compile(
    r"(?i)(^|[._+-])([a-z0-9]*(mask|map|seg|parc)|msk|segmentations?|lesions?\d*|labels?|roi|gt|(ground)?truth"
    r"|annotations?|pred(iction)?s?|tumou?rs?|wmhs?|ribbon|gm|wm|csf|pve(_\d)?|warp|xfm|jacobian)$"
)
#: Programs put letters before the name of a scan for what they make of it: `c1sub-01_T1w` is a map of grey matter.
PREFIX = re.compile(r"(i?[uy]_[A-Za-z0-9]*|[A-Za-z0-9]+)sub-")
#: Folders whose files are masks, whatever their names.
DERIVED_FOLDERS = re.compile(r"(?i)labels?(tr|ts|val)?|masks?|gts?|ground[_-]?truth|segs?|segmentations?")
DERIVED = "a mask or a map"
SESSION = re.compile(r"(sub-[A-Za-z0-9]+)(_ses-[A-Za-z0-9]+)?(?=_|$)")
LAST_WORD = re.compile(r"(?:^|[._-])([A-Za-z0-9]+)$")
#: An image or a mask in the space of an image, which is not its modality.
SPACE = re.compile(r"(?:^|_)(space|from|to)-[A-Za-z0-9]+$")
#: Spaces of the subject itself, in lower case, with names that are no BIDS.
OWN_SPACES = {one.lower() for one in NATIVE} | words_of("t1 t2 flair pd native anat subject acpc")
ENTITY = re.compile(r"[a-z]+-[A-Za-z0-9]+")


@dataclass(frozen=True)
class Named:
    """A file, and what its name says."""

    path: Path
    kind: str  # a modality, another contrast, BRAIN_MASK, DERIVED, or "" where the name says none
    stem: str  # the name without the word that says so, with the session of its folders
    of: str = ""  # of a brain mask: the modality of its image, where the name says it

    def other_than(self, modality: str) -> str:
        """What the name says in place of a modality; "" where it says that one or nothing.

        >>> [parsed(Path(name)).other_than("t2") for name in ("a_T2w.nii", "a.nii", "a_dwi.nii", "a_T1w_brain.nii")]
        ['', '', 'dwi', 't1']
        """
        if self.kind:
            return "" if self.kind == modality else self.kind
        said = _said_before(self.stem)
        return "" if any(modality.startswith(one) for one in said) else next(iter(said), "")


def modality_of(path: Path) -> str:
    """The modality that a file's name says, `brain_mask`, or "".

    >>> [modality_of(Path(name)) for name in ("sub-01_ses-2_FLAIR.nii.gz", "p7_brainmask.nii", "x.nii")]
    ['flair', 'brain_mask', '']
    """
    return parsed(path).kind


def parsed(path: Path) -> Named:
    """What the name of a file says, and its folders of the session."""
    stem = EXTENSION.sub("", path.name)
    if MASK_WORDS.search(stem) and not _is_of_other_images(path):
        of, rest = _modality(MASK_WORDS.sub("", stem))  # `case_T2w_brain_mask` is the mask of `case_T2w`
        return Named(path, BRAIN_MASK, _with_session(rest, path), of)
    if _is_derived(path, stem):
        return Named(path, DERIVED, stem)
    kind, rest = _modality(stem)
    return Named(path, kind, _with_session(rest, path))


def _is_derived(path: Path, stem: str) -> bool:
    """Whether a file is a mask or a map, or a part of a complex image other than its magnitude."""
    folder = folders_of(path)[-1]
    made = DERIVED_WORDS.search(stem) or PREFIX.match(stem) or DERIVED_FOLDERS.fullmatch(folder)
    return bool(made) or _tags(stem).get("part", "mag") != "mag"


def _is_of_other_images(path: Path) -> bool:
    """Whether a file of a BIDS name is of functional or other images than those of the anatomy."""
    tags = _tags(path.name)
    return "task" in tags or bool(tags and folders_of(path)[-1] in NOT_ANATOMY)


def _modality(stem: str) -> tuple[str, str]:
    """The contrast that the last word of a name says, and the name without it; "" and the name where it says none.

    >>> _modality("a_3DT1"), _modality("a-t2f"), _modality("a_T2starw"), _modality("T2")
    (('t1', 'a'), ('flair', 'a'), ('t2starw', 'a'), ('t2', 'T2'))
    >>> _modality("a_space-T2w")
    ('', 'a_space-T2w')
    """
    last = None if SPACE.search(stem) else LAST_WORD.search(stem)
    kind = _contrast(last[1]) if last else ""
    if last is None or not kind:
        return "", stem
    if kind == "t1" and re.search(r"(^|_)ce-", stem):
        kind = "t1ce"
    if is_flair_by_acquisition(stem):
        kind = "flair"
    return kind, stem[: last.start()] or stem


def _contrast(word: str) -> str:
    """The modality or the other contrast that a word stands for, "" for other words."""
    plain = re.sub(r"^[23]d", "", word.lower())
    return MODALITIES.get(plain, plain if plain in OTHER_CONTRASTS else "")


def _said_before(stem: str) -> list[str]:
    """The contrasts that words of a name say, without entities; FLAIR alone where it is one of them (`T2_FLAIR`)."""
    entities = [
        part for part in stem.split("_") if ENTITY.fullmatch(part) and not _contrast(part.partition("-")[0])
    ]
    parts = [part for part in stem.split("_") if part not in entities]
    words = [
        word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part) if word.lower() not in LAST_ONLY
    ]
    said = [kind for word in words if (kind := _contrast(word))]
    return ["flair"] if "flair" in said else said


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

    >>> space_of("sub-01_space-MNI152"), space_of("sub-01_space-T1"), space_of("sub-01_space-T1w_desc-x")
    ('MNI152', '', '')
    """
    match = re.search(r"_space-([A-Za-z0-9]+)", stem) if stem.startswith("sub-") else None
    return match[1] if match and match[1].lower() not in OWN_SPACES else ""


def subject_of(case_id: str) -> str:
    """`sub-01` of a BIDS name, else the whole id."""
    return case_id.partition("_")[0] if case_id.startswith("sub-") else case_id
