"""BraTS GLI 2023 and 2024: adult gliomas before and after treatment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.brats.editions import EDITIONS, MODALITIES, edition_of
from uad_datasets.brats.reading import Family, discover

FAMILY = Family(
    dataset="brats_gli",
    names=("GLI-2023", "GLI-2024"),
    editions={2023: EDITIONS["GLI-2023"], 2024: EDITIONS["GLI-2024"]},
    tell=lambda case_id, _: int(edition_of(case_id)[-4:]),
    layout="BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz, at any depth",
)


@dataclass
class BratsGliAdapter(DatasetAdapter):
    """Case folders at any depth. Time points from 100 on are after treatment, the edition of 2024; others are of 2023.

    The lesion is labels 1 to 3. Label 4 of 2024, the resection cavity, is ignored: neither lesion nor healthy.
    The scans of 2023 are those of BraTS 2021, and subjects have the ids of dataset `brats21`.

    edition: 2023 or 2024 leaves out the cases of the other one; without it both are read.
    """

    name: ClassVar[str] = "brats_gli"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    people: ClassVar[str] = "brats"
    about: ClassVar[str] = (
        "BraTS 2023 and 2024 adult glioma, on Synapse (syn51156910, syn53708249); docs/datasets/brats_gli.md"
    )

    edition: Literal[2023, 2024] | None = None

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per time point. Raises as `Pairing.cases`."""
        return discover(root, FAMILY, self.edition)
