"""Where the files of a BIDS tree lie: folders that contradict names, and several datasets below one root."""

import logging
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from uad_bench.data.bids_entities import KEYED
from uad_bench.errors import DataError
from uad_bench.support.text import first_names

log = logging.getLogger(__name__)

#: Files that lie in the root of a BIDS dataset.
MARKS = ("dataset_description.json", "participants.tsv")
#: The table of subjects under names that are not read.
OTHER_TABLES = ("participants.csv", "participants.xlsx", "participants.xls")

CHOOSE = "name one of these folders as the root, or describe the cases in a table"
#: The folders above that of a subject, below the root.
Place = tuple[str, ...]


def place_of(folders: Sequence[str]) -> Place | None:
    """The folders above the subject's folder; None where no folder is named after a subject."""
    subjects = [i for i, folder in enumerate(folders) if folder.startswith("sub-")]
    return tuple(folders[: subjects[-1]]) if subjects else None


class Places:
    """The places of the images of each case. Two places of one case may be two datasets, hence two persons."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._of_cases: dict[str, set[Place]] = {}
        self._modalities: dict[Place, set[str]] = {}
        self._marked: set[Place] = set()

    def put(self, case_id: str, modality: str, folders: Sequence[str]) -> None:
        """Add the place of an image; images that lie in no folder of a subject tell nothing."""
        place = place_of(folders)
        if place is not None:
            self._of_cases.setdefault(case_id, set()).add(place)
            self._modalities.setdefault(place, set()).add(modality)
            if folders[-1] == "anat" or any(self.root.joinpath(*place, mark).is_file() for mark in MARKS):
                self._marked.add(place)

    def check(self, case_id: str) -> None:
        """Raise DataError where the images of a case lie in two datasets (UB329).

        Places without a common modality are folders of modalities, unless one of them is a dataset by its files or
        has the folder `anat` of BIDS.
        """
        places = sorted(self._of_cases.get(case_id, ()))
        if len(places) < 2 or not self._are_datasets(places):
            return
        named = " and ".join(str(Path(*place)) if place else "the root" for place in places[:2])
        what = f"images of this id are in two trees, {named}: they may be of two persons"
        raise DataError(what, where=case_id, hint=CHOOSE, code="UB329")

    def _are_datasets(self, places: Collection[Place]) -> bool:
        modalities = [modality for place in places for modality in self._modalities[place]]
        return bool(self._marked.intersection(places)) or len(set(modalities)) < len(modalities)

    def warn_of_tables(self) -> None:
        """Warn of tables of subjects that are not read, because they do not lie in the root or have another name."""
        if KEYED.fullmatch(self.root.absolute().name):
            what = "%s is the folder of a subject or session: participants.tsv and derivatives above it are not read"
            log.warning(what, self.root)
        if (self.root / "participants.tsv").is_file():
            return
        below = {self.root.joinpath(*place, "participants.tsv") for place in self._modalities if place}
        tables = [*sorted(below), *(self.root / name for name in OTHER_TABLES)]
        found = _short([path for path in tables if path.is_file()], self.root)
        if found:
            what = "no participants.tsv in the root; ages, sexes and groups are not read from %s"
            log.warning(what, first_names(found, 3))


def _short(paths: Iterable[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]
