"""IXI: nearly 600 healthy subjects from three London hospitals, one session each, T1, T2 and PD."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.demographics import Person, find_table, read_people
from uad_datasets.file_search import nifti_files
from uad_datasets.pairing import Files, Pairing, images_of

NAME = re.compile(r"(IXI\d{3})-(Guys|HH|IOP)-(\d{4})-((?i:T1|T2|PD))(_mask)?(?i:\.nii(\.gz)?)")
LAYOUT = "IXI-T2/IXI002-Guys-0828-T2.nii.gz, in any folders"
SHEETS = ("IXI.xls", "IXI.csv", "ixi.xls", "ixi.csv")
#: The coding of the table, as in its column head.
SEX_ID = {"1": "m", "2": "f", "1.0": "m", "2.0": "f"}

#: From the page of the dataset: field strength and manufacturer.
SCANNERS = {"Guys": "1.5T Philips", "HH": "3T Philips", "IOP": "1.5T GE"}


@dataclass
class IxiAdapter(DatasetAdapter):
    """Files are recognised by their names, in folders of any name: IXI-T2/, T2/, t2/ or all in one.

    T1 and T2 of a session have different grids, and not every session has every modality. Brain masks are
    `..._mask.nii.gz` next to their image; of several, that of T2, else PD, else T1 is used, and applies to all
    modalities by its world coordinates.

    sheet: the demographics (IXI.xls, or saved as CSV); "": the file in the root or one level above it; without it, ages
    and sexes are unknown. stripped: whether the scans of this copy are skull-stripped.
    """

    name: ClassVar[str] = "ixi"
    modalities: ClassVar[tuple[str, ...]] = ("t1", "t2", "pd")
    people: ClassVar[str] = "ixi"
    about: ClassVar[str] = "https://brain-development.org/ixi-dataset (CC BY-SA 3.0); docs/datasets/ixi.md"

    sheet: str = ""
    stripped: bool = False

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per session, all healthy; `site` is Guys, HH or IOP, each with its own scanner.

        Raises DataError for a table that cannot be read (UB321, UB334), else as `Pairing.cases`.
        """
        pairing = Pairing(root, LAYOUT)
        for path in nifti_files(root):
            if match := NAME.fullmatch(path.name):
                subject, site, session, modality, mask = match.groups()[:5]
                pairing.put(f"{subject}-{site}-{session}", modality.lower() + (mask or ""), path)
        return pairing.cases(partial(self._case, self._people(root)))

    def _people(self, root: Path) -> dict[int, Person]:
        path = Path(self.sheet).expanduser() if self.sheet else find_table(root, SHEETS)
        return read_people(path, ("IXI_ID", "AGE", "SEX_ID"), SEX_ID) if path else {}

    def _case(self, people: Mapping[int, Person], case_id: str, files: Files) -> Case:
        subject, site, _ = case_id.split("-")
        masks = (files.get(f"{modality}_mask") for modality in ("t2", "pd", "t1"))
        person = people.get(int(subject.removeprefix("IXI")), Person())
        return Case(
            dataset=self.name,
            case_id=case_id,
            subject_id=subject,
            images=images_of(files, self.modalities),
            healthy=True,
            brain_mask=next((mask for mask in masks if mask), None),
            stripped=self.stripped,
            site=site,
            scanner=SCANNERS.get(site, ""),
            age=person.age,
            sex=person.sex,
        )
