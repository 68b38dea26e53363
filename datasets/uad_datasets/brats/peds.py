"""BraTS-PEDs 2023 and later: gliomas of children."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.brats.editions import EDITIONS, MODALITIES, Edition, told_by
from uad_datasets.brats.reading import Family, discover

FAMILY = Family(
    dataset="brats_peds",
    names=("PED",),
    editions={2023: Edition(known=(1, 2, 3), stripped=None), 2024: EDITIONS["PED"]},
    tell=told_by({2023: 2023, 2024: 2024, 2025: 2024}),
    layout="BraTS-PEDs2024_Training/BraTS-PED-00001-000/BraTS-PED-00001-000-{t1n,t1c,t2w,t2f,seg}.nii.gz",
)


@dataclass
class BratsPedsAdapter(DatasetAdapter):
    """Case folders at any depth. The edition is read from the name of a folder as downloaded.

    The lesion is every label, in each edition: 1 to 3 in 2023 and, with other meanings, 1 to 4 from 2024 on.

    edition: 2023, or 2024 for 2024 and later, where no folder tells it; cases of other editions are left out.
    """

    name: ClassVar[str] = "brats_peds"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    people: ClassVar[str] = "brats"
    about: ClassVar[str] = (
        "BraTS-PEDs, on Synapse and TCIA (account, non-commercial); docs/datasets/brats_peds.md"
    )

    edition: Literal[2023, 2024] | None = None

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per folder. Raises as `Pairing.cases`."""
        return discover(root, FAMILY, self.edition)
