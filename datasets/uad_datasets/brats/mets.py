"""BraTS-METS 2023 to 2025: brain metastases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_datasets.brats.editions import EDITIONS, MODALITIES, Edition, told_by
from uad_datasets.brats.reading import Family, discover

BEFORE_2025 = Edition(known=(1, 2, 3))
FAMILY = Family(
    dataset="brats_mets",
    names=("MET",),
    editions={2023: BEFORE_2025, 2024: BEFORE_2025, 2025: EDITIONS["MET"]},
    tell=told_by({year: year for year in (2023, 2024, 2025)}),
    layout=(
        "MICCAI-BraTS2024-MET-Challenge-Training_1/BraTS-MET-00001-000/"
        "BraTS-MET-00001-000-{t1n,t1c,t2w,t2f,seg}.nii.gz"
    ),
)


@dataclass
class BratsMetsAdapter(DatasetAdapter):
    """Case folders at any depth. The edition is read from the name of a folder as downloaded.

    The lesion is labels 1 to 3. Label 4, the resection cavity in the UCSD part of 2025, is ignored: neither lesion nor
    healthy; in earlier editions it is an error.

    edition: 2023, 2024 or 2025, where no folder tells it; cases of other editions are left out.
    """

    name: ClassVar[str] = "brats_mets"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    people: ClassVar[str] = "brats"
    about: ClassVar[str] = "BraTS-METS 2023 to 2025, on Synapse (account); docs/datasets/brats_mets.md"

    edition: Literal[2023, 2024, 2025] | None = None

    def discover(self, root: Path) -> Iterator[Case | DataError]:
        """One case per time point. Raises as `Pairing.cases`."""
        return discover(root, FAMILY, self.edition)
