"""The editions of BraTS: how their cases are named, what their labels mean, and which are lesion."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

CASE = re.compile(r"BraTS2021_(\d{5})|BraTS-(GLI|MEN|MET|PED|SSA)-(\d{5})-(\d{3})|BraTS-MEN-RT-(\d{4})-\d+")
NAME = re.compile(rf"({CASE.pattern})[_-]((?i:t1|t1ce|t2|flair|seg|t1n|t1c|t2w|t2f|gtv))(?i:\.nii(\.gz)?)")
#: File name endings of 2021 and of the challenges from 2023 on.
WHAT = {
    **{"t1": "t1", "t1ce": "t1ce", "t2": "t2", "flair": "flair", "seg": "lesion_mask"},
    **{"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair", "gtv": "lesion_mask"},
}
MODALITIES = ("t1", "t1ce", "t2", "flair")
#: A year in the name of a folder as downloaded, such as MICCAI-LH-BraTS2025-MET-Challenge-Training.
YEAR = re.compile(r"(?i)BraTS[-_]?(?:[A-Z]+[-_]?)?(20\d\d)(?!\d)")
#: Folders that name their edition in other words: the release on TCIA, and a part of 2025.
BY_FOLDER = {re.compile(r"(?i)BraTS-PEDs-v1"): 2024, re.compile(r"(?i)UCSD - (Training|Validation).*"): 2025}


@dataclass(frozen=True)
class Edition:
    """The labels of an edition, as in `Case`; 2021 has 3 or 4 for enhancing tumour, so that any is known.

    dataset: the dataset that reads this edition, "" for none.
    """

    known: tuple[int, ...] = ()
    lesion: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()
    stripped: bool | None = True
    dataset: str = ""


#: After treatment, label 4 is the resection cavity: neither lesion nor healthy.
WITH_CAVITIES = Edition(known=(1, 2, 3, 4), lesion=(1, 2, 3), ignored=(4,))
#: Editions that the name of a case tells.
EDITIONS = {
    "2021": Edition(dataset="brats21"),
    "GLI-2023": Edition(known=(1, 2, 3), dataset="brats_gli"),
    "GLI-2024": replace(WITH_CAVITIES, dataset="brats_gli"),
    "MEN": Edition(known=(1, 2, 3)),
    "MEN-RT": Edition(known=(1,), stripped=False),
    "MET": replace(WITH_CAVITIES, dataset="brats_mets"),
    "PED": Edition(known=(1, 2, 3, 4), stripped=None, dataset="brats_peds"),
    "SSA": Edition(known=(1, 2, 3)),
}


def edition_of(case_id: str) -> str:
    """The key of `EDITIONS` for a case. Time points of GLI from 100 on are after treatment, the edition of 2024.

    >>> edition_of("BraTS-GLI-00005-000"), edition_of("BraTS-GLI-00005-100"), edition_of("BraTS2021_00005")
    ('GLI-2023', 'GLI-2024', '2021')
    """
    match = CASE.fullmatch(case_id)
    if match is None or match[1]:
        return "2021"
    if match[5]:
        return "MEN-RT"
    return f"GLI-{2024 if int(match[4]) >= 100 else 2023}" if match[2] == "GLI" else match[2]


def subject_of(case_id: str) -> str:
    """The subject of a case. The names of 2021 and of every GLI edition give the same one, BraTS-00000."""
    match = CASE.fullmatch(case_id)
    if match is None:
        return case_id
    if match[5]:
        return f"BraTS-MEN-RT-{match[5]}"
    return f"BraTS-{match[1] or match[3]}" if match[2] in {None, "GLI"} else f"BraTS-{match[2]}-{match[3]}"


def year_of(path: Path) -> int:
    """The year of the edition that the folders of a file name, the innermost first; 0 where none does."""
    for folder in reversed(path.absolute().parts[:-1]):
        for pattern, year in BY_FOLDER.items():
            if pattern.fullmatch(folder):
                return year
        if match := YEAR.search(folder):
            return int(match[1])
    return 0


def told_by(years: Mapping[int, int]) -> Callable[[str, Path], int]:
    """How a dataset whose names do not tell the edition tells it: by the year of the folder, through `years`."""
    return lambda _, path: years.get(year_of(path), 0)


def which(families: Iterable[str]) -> str:
    """Editions with the datasets that read them, for a hint.

    >>> which(["GLI-2024", "SSA"])
    'GLI-2024 is read by dataset brats_gli, SSA by none'
    """
    texts = [f"{key} by {f'dataset {d}' if (d := EDITIONS[key].dataset) else 'none'}" for key in families]
    return ", ".join(texts).replace(" by ", " is read by ", 1)
