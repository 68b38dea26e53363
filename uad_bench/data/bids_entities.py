"""Entities of BIDS (`sub-01`, `ses-a`, `space-orig`) in the names of files and folders."""

import logging
import re
from collections.abc import Mapping, Sequence

from uad_bench.support.text import first_names, words_of

log = logging.getLogger(__name__)

KEYED = re.compile(r"(sub|ses)-([A-Za-z0-9]+)")
#: Values of `space` for grids of the subject itself. Files in any other space are on the grid of a template.
NATIVE = frozenset({"", "orig", "individual", "scanner", "T1w", "T2w", "FLAIR", "PDw"})
#: Folders of a BIDS tree that hold no images of the anatomy.
NOT_ANATOMY = words_of("func dwi fmap perf pet meg eeg ieeg nirs mrs beh micr")


def name_tags(name: str) -> dict[str, str]:
    """The entities of a file's name by key; the name may have an extension.

    >>> name_tags("sub-01_acq-iso_T2w.nii.gz")
    {'sub': '01', 'acq': 'iso'}
    """
    return dict(part.split("-", 1) for part in name.partition(".")[0].split("_") if "-" in part)


def folder_tags(folders: Sequence[str]) -> dict[str, str]:
    """Subject and session by the innermost folders that are named after them.

    >>> folder_tags(("data", "sub-01", "ses-a", "anat"))
    {'sub': '01', 'ses': 'a'}
    """
    return {match[1]: match[2] for folder in folders if (match := KEYED.fullmatch(folder))}


def is_flair_by_acquisition(name: str) -> bool:
    """Whether a T2w file of a BIDS name has an acquisition named FLAIR, as in some public trees.

    >>> is_flair_by_acquisition("sub-1_acq-FLAIR_T2w.nii.gz"), is_flair_by_acquisition("sub-1_acq-iso_T2w.nii.gz")
    (True, False)
    """
    suffix = name.partition(".")[0].rpartition("_")[2].lower()
    acquisition = name_tags(name).get("acq", "") if name.startswith("sub-") else ""
    return suffix in {"t2", "t2w"} and "flair" in acquisition.lower()


def warn_of_flair(names: Sequence[str]) -> None:
    """Warn of T2w files that are read as FLAIR because of their acquisition."""
    found = [name for name in names if is_flair_by_acquisition(name)]
    if found:
        log.warning("T2w files with acq-FLAIR are read as flair (%d): %s", len(found), first_names(found, 3))


def contradicts(tags: Mapping[str, str], folders: Sequence[str]) -> bool:
    """Whether the entities of a name and its folders name two subjects or sessions; 1 and 01 are one."""

    def plain(word: str) -> str:
        return word.lower().lstrip("0")

    return any(plain(tags.get(key, word)) != plain(word) for key, word in folder_tags(folders).items())
