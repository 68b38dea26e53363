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

DERIVED = "derivatives"
CHOOSE = "name one of these folders as the root, or describe the cases in a table"
#: The folders above that of a subject, below the root.
Place = tuple[str, ...]


def place_of(folders: Sequence[str]) -> Place | None:
    """The folders above the subject's folder; None where no folder is named after a subject."""
    subjects = [i for i, folder in enumerate(folders) if folder.startswith("sub-")]
    return tuple(folders[: subjects[-1]]) if subjects else None


def place_of_mask(folders: Sequence[str]) -> Place | None:
    """The folders above `derivatives`, else above the subject's folder: the dataset that a mask belongs to.

    >>> place_of_mask(("patients", "derivatives", "m", "sub-01")), place_of_mask(("masks", "sub-01"))
    (('patients',), ('masks',))
    """
    return tuple(folders[: folders.index(DERIVED)]) if DERIVED in folders else place_of(folders)


class Places:
    """The places of the files of each case. Two places of one case may be two datasets, hence two persons."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._of_cases: dict[str, set[Place]] = {}
        self._modalities: dict[Place, set[str]] = {}
        self._marked: set[Place] = set()
        self._folders: dict[str, set[Place]] = {}
        self._masks: dict[str, set[Place]] = {}

    def put(self, case_id: str, what: str, folders: Sequence[str]) -> None:
        """Add the place of an image or a mask; images that lie in no folder of a subject tell nothing."""
        if what.endswith("mask"):
            self._masks.setdefault(case_id, set()).add(tuple(folders))
            return
        self._folders.setdefault(case_id, set()).add(tuple(folders))
        place = place_of(folders)
        if place is not None:
            self._of_cases.setdefault(case_id, set()).add(place)
            self._modalities.setdefault(place, set()).add(what)
            if folders[-1] == "anat" or any(self.root.joinpath(*place, mark).is_file() for mark in MARKS):
                self._marked.add(place)

    def check(self, case_id: str) -> None:
        """Raise DataError where the images of a case, or an image and a mask, lie in two datasets (UB329).

        Places without a common modality are folders of modalities, unless one of them is a dataset by its files or
        has the folder `anat` of BIDS. A mask may lie in `derivatives` next to or above the dataset of its image,
        and in a folder without images (`masks/sub-01`).
        """
        places = sorted(self._of_cases.get(case_id, ()))
        if len(places) > 1 and self._are_datasets(places):
            raise _two_trees(case_id, "images of this id are", places)
        for folders in sorted(self._masks.get(case_id, ())):
            place = place_of_mask(folders)
            if place is not None and self._is_of_another(place, DERIVED in folders, case_id):
                image = [*places, *sorted(self._folders[case_id])][0]
                raise _two_trees(case_id, "an image and a mask of this id are", [image, place])

    def _is_of_another(self, mask: Place, derived: bool, case_id: str) -> bool:
        """Whether a mask of this place is of another dataset than all images of its case."""
        if derived:
            has_images = any(place[: len(mask)] == mask for place in self._modalities)
            return has_images and not any(folders[: len(mask)] == mask for folders in self._folders[case_id])
        places = self._of_cases.get(case_id, set())
        other = bool(places) and mask in self._modalities and mask not in places
        return other and self._are_datasets({mask, *places})

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


def _two_trees(case_id: str, found: str, places: Sequence[Place]) -> DataError:
    named = " and ".join(str(Path(*place)) if place else "the root" for place in places[:2])
    what = f"{found} in two trees, {named}: they may be of two persons"
    return DataError(what, where=case_id, hint=CHOOSE, code="UB329")


def _short(paths: Iterable[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]
