"""Healthy people of OpenNeuro, each set read as a BIDS tree by the mapping that is shipped for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_bench.support import strict_yaml
from uad_datasets.demographics import age_of
from uad_datasets.folder import FolderAdapter
from uad_datasets.open_sets.participants import participants, value_of

MAPPINGS = Path(__file__).parent / "openneuro_sets"
#: Words for an age that is not there, in tables of these sets.
NO_AGE = frozenset({"xx"})


@dataclass
class OpenNeuroAdapter(DatasetAdapter):
    """A BIDS tree as downloaded, read as by the dataset `folder` with the options of its mapping. All are healthy.

    set: the accession number; "": that in the name of the root or of a folder above it.
    """

    name: ClassVar[str] = "openneuro"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t1ce", "t2", "flair", "pd")
    about: ClassVar[str] = (
        "https://openneuro.org/datasets/ds003592, ds004856 (CC0) and ds000228 (PDDL); docs/datasets/openneuro.md"
    )

    set: Literal["", "ds000228", "ds003592", "ds004856"] = ""

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session. Raises DataError for a set without mapping (UB334), else as `FolderAdapter`."""
        mapping = strict_yaml.read(MAPPINGS / f"{self._number(root)}.yaml")
        found = FolderAdapter(**mapping["folder"]).discover(root)
        years = _ages(root, mapping["ages"]) if "ages" in mapping else {}
        return (self._own(item, years) for item in found)

    def _number(self, root: Path) -> str:
        """The accession number of a root. Raises DataError where nothing tells it, or there is no mapping."""
        known = sorted(path.stem for path in MAPPINGS.glob("*.yaml"))
        words = [re.match(r"ds\d{6}(?!\d)", part) for part in reversed(root.absolute().parts)]
        number: str = self.set
        number = number or next((word[0] for word in words if word), "")
        if number not in known:
            what = f"there is no mapping for {number}" if number else "the set is not named"
            hint = f"--set openneuro.set={' or '.join(known)}; other sets are read by dataset folder"
            raise DataError(what, where=str(root), hint=hint, code="UB334")
        return number

    def _own(self, item: Case | DataError, years: Mapping[str, float | None]) -> Case | DataError:
        if isinstance(item, DataError):
            return item
        return replace(item, dataset=self.name, age=years.get(item.case_id, item.age))


def _ages(root: Path, columns: Mapping[str, str]) -> dict[str, float | None]:
    """The age at each session, by case id."""
    people = participants(root)
    return {
        f"{subject}_{session}": value_of(people, subject, column, _age)
        for subject in people
        for session, column in columns.items()
    }


def _age(text: str) -> float | None:
    return None if text.lower() in NO_AGE else age_of(text)
