"""The dataset `phantom`: a synthetic cohort without download, whose lesions are known exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import platformdirs

from uad_bench import Case, DatasetAdapter
from uad_bench.errors import DataError
from uad_bench.support.user_folders import user_folder
from uad_datasets.phantom.cohort import TABLE, ensure_cohort, read_table
from uad_datasets.phantom.contrast import MODALITIES
from uad_datasets.phantom.generate import DEFAULT_VERSION, Recipe


@dataclass
class PhantomAdapter(DatasetAdapter):
    """Synthetic brains generated from the MNI152 template. Lesion kinds: tumour, iso, ms, structural.

    seed: another seed gives another cohort; healthy: number of healthy subjects; lesions: subjects of each kind;
    version: 4 or 5 of the generator; spacing: voxel size in mm, 2, or with version 5 also 1.
    """

    name: ClassVar[str] = "phantom"
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "seed": (0, 2**31),
        "healthy": (0, 10_000),
        "lesions": (0, 10_000),
    }
    about: ClassVar[str] = (
        "Synthetic, generated on first use in the user's cache folder, or in UAD_BENCH_CACHE. "
        "Anatomy: MNI152 template (Fonov et al. 2011) as shipped by nilearn."
    )

    seed: int = 0
    healthy: int = 64
    lesions: int = 12
    version: int = DEFAULT_VERSION
    spacing: int = 2

    def default_root(self) -> Path:
        """The folder of the cohort; the first call generates it: about one CPU minute at 2 mm, five at 1 mm."""
        cache = user_folder("UAD_BENCH_CACHE", lambda: platformdirs.user_cache_path("uad-bench"), "the cache")
        recipe = Recipe(self.version, self.spacing, self.seed)
        root = cache / "phantom" / f"{recipe.name}-h{self.healthy}-l{self.lesions}"
        return ensure_cohort(root, recipe, healthy=self.healthy, lesions=self.lesions)

    def discover(self, root: Path) -> Iterator[Case]:
        """Yield the cases of phantom.csv. Raises DataError where `root` contains no synthetic cohort."""
        if not (root / TABLE).is_file():
            raise DataError(
                "no synthetic cohort here", where=str(root), hint=f"expected {TABLE} in this folder"
            )
        for row in sorted(read_table(root), key=lambda row: row["case_id"]):
            yield self._case(root, row)

    def _case(self, root: Path, row: dict[str, str]) -> Case:
        return Case(
            dataset=self.name,
            case_id=row["case_id"],
            subject_id=row["case_id"],
            images={modality: root / row[modality] for modality in MODALITIES},
            healthy=row["healthy"] == "1",
            lesion_mask=root / row["lesion_mask"] if row["lesion_mask"] else None,
            brain_mask=root / row["brain_mask"],
            lesion_kind=row["kind"],
        )
