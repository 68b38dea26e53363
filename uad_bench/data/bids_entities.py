"""Entities of BIDS (`sub-01`, `ses-a`, `space-orig`) in the names of files and folders."""

import re
from collections.abc import Mapping, Sequence

from uad_bench.support.text import words_of

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


def contradicts(tags: Mapping[str, str], folders: Sequence[str]) -> bool:
    """Whether the entities of a name and its folders name two subjects or sessions; 1 and 01 are one."""

    def plain(word: str) -> str:
        return word.lower().lstrip("0")

    return any(plain(tags.get(key, word)) != plain(word) for key, word in folder_tags(folders).items())
