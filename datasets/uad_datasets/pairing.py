"""Files paired to cases without guessing, for the adapters of real datasets."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from uad_bench.errors import DataError
from uad_bench.support.text import first_names

log = logging.getLogger(__name__)

#: Files of a case by role: a modality, "brain_mask", "lesion_mask".
Files = dict[str, Path]
Built = TypeVar("Built")
ARCHIVE = re.compile(r"(?i)[^.].*\.(zip|tar|tgz|tar\.(gz|bz2|xz)|rar|7z)")

#: Folders of the hidden sets of challenges: images whose lesion masks are not published.
HIDDEN = re.compile(r"(?i).*(validation|testing).*|test")


def images_of(files: Files, modalities: Iterable[str]) -> Files:
    """The images of a case, in the order of `modalities`; without those that it lacks.

    >>> images_of({"lesion_mask": Path("m.nii"), "t2": Path("b.nii"), "t1": Path("a.nii")}, ("t1", "t2", "flair"))
    {'t1': PosixPath('a.nii'), 't2': PosixPath('b.nii')}
    """
    return {modality: files[modality] for modality in modalities if modality in files}


class Pairing:
    """The files of each case by role; a second file for one role is an error of the case.

    root: the folder that was searched; layout: its expected layout; choose: the remedy for second files.
    """

    def __init__(
        self, root: Path, layout: str, choose: str = "name the folder of one copy as the root"
    ) -> None:
        self.root, self.layout, self.choose = root, layout, choose
        self.files: dict[str, Files] = {}
        self._second: dict[str, Files] = {}

    def put(self, case_id: str, what: str, path: Path) -> None:
        """Add a file of a case; its role `what` ends in "mask" for masks of any kind."""
        files = self.files.setdefault(case_id, {})
        if files.setdefault(what, path) != path:
            self._second.setdefault(case_id, {}).setdefault(what, path)

    def cases(self, build: Callable[[str, Files], Built]) -> Iterator[Built | DataError]:
        """The result of `build` for each case, by case id, or a DataError for a case that cannot be paired.

        Such a case has two files for one role (UB329), no image (UB332), or an error from `build`. Raises DataError
        where no case has an image (UB334).
        """
        if not any(map(_has_image, self.files.values())):
            what = "no case found" if self.root.is_dir() else "no such folder"
            hint = f"{_archives(self.root)}expected {self.layout}"
            raise DataError(what, where=str(self.root), hint=hint, code="UB334")
        return iter([self._one(case_id, build) for case_id in sorted(self.files)])

    def _one(self, case_id: str, build: Callable[[str, Files], Built]) -> Built | DataError:
        if case_id in self._second:
            return self._second_file(case_id)
        files = self.files[case_id]
        if not _has_image(files):
            what = f"a mask without an image: {self._short(next(iter(files.values())))}"
            return DataError(what, where=case_id, hint="add its image, or remove the mask", code="UB332")
        try:
            return build(case_id, files)
        except DataError as error:
            return error

    def _second_file(self, case_id: str) -> DataError:
        second = self._second[case_id]
        what, path = next(iter(second.items()))
        pair = f"{self._short(self.files[case_id][what])} and {self._short(path)}"
        more = f", and so for {', '.join(list(second)[1:])}" if len(second) > 1 else ""
        return DataError(f"two files for {what}: {pair}{more}", where=case_id, hint=self.choose, code="UB329")

    def _short(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def leave_out_hidden(self) -> None:
        """Remove cases without lesion mask in a validation or test folder of a challenge, with a warning.

        Raises DataError where no case is left (UB334).
        """
        hidden = [case_id for case_id, files in self.files.items() if self._is_hidden(files)]
        for case_id in hidden:
            del self.files[case_id]
        if hidden and not self.files:
            hint = "lesion masks of hidden sets are not published; name the training folder"
            what = f"a hidden test set: none of {len(hidden)} cases has a lesion mask"
            raise DataError(what, where=str(self.root), hint=hint, code="UB334")
        if hidden:
            what = "%s: left out, because their lesion masks are not public: %d, %s to %s"
            log.warning(what, self.root, len(hidden), min(hidden), max(hidden))

    def _is_hidden(self, files: Files) -> bool:
        folder = next(iter(files.values())).parent.relative_to(self.root)
        folders = (self.root.absolute().name, *folder.parts)
        return "lesion_mask" not in files and any(map(HIDDEN.fullmatch, folders))


def _archives(root: Path) -> str:
    """The start of a hint where a folder contains archives, which are not read; "" else."""
    names = (
        sorted(path.name for path in root.iterdir() if ARCHIVE.fullmatch(path.name)) if root.is_dir() else []
    )
    return f"unpack the archives first (`uad-bench data import`): {first_names(names, 3)}; " if names else ""


def _has_image(files: Files) -> bool:
    return any(not what.endswith("mask") for what in files)


def need_lesion_mask(case_id: str, files: Files, called: str) -> Path:
    """The lesion mask of a case of a lesion set. Raises DataError where there is none (UB333)."""
    if "lesion_mask" in files:
        return files["lesion_mask"]
    folder = next(iter(files.values())).parent
    what = f"no lesion mask ({called}) in {folder.parent.name}/{folder.name}"
    hint = "copy the case again, with its mask, or leave it out of the root"
    raise DataError(what, where=case_id, hint=hint, code="UB333")
