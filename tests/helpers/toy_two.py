"""The toy dataset with a second modality, the mirror image of the first, and methods that show what they see."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.helpers import toy_data
from uad_bench import Case, Method
from uad_bench.errors import PluginError


class ToyTwo(toy_data.ToyData):
    """Images of t2, and of t1, which `make` writes."""

    name = "toy_two"
    modalities = ("t1", "t2")

    def discover(self, root: Path) -> Iterator[Case]:
        for case in super().discover(root):
            t1 = root / f"{case.case_id}_t1.nii.gz"
            yield replace(case, dataset="toy_two", images={"t1": t1, **case.images})


def make(root: Path) -> Path:
    """Write the files of a cohort."""
    toy_data.make(root)
    for path in root.glob("*_t2.nii.gz"):
        image = nib.load(path)
        mirrored = np.asarray(image.dataobj)[::-1].copy()
        nib.save(nib.Nifti1Image(mirrored, image.affine), str(path).replace("_t2", "_t1"))
    return root


@dataclass
class OnlyT1(Method):
    """Accepts t1 alone; its map is the image."""

    modalities = ("t1",)

    def score(self, scan, ctx):
        if scan.modalities != ("t1",):
            raise PluginError(f"saw {scan.modalities}")
        return scan.image[0]


@dataclass
class First(Method):
    """The map is the first modality that is seen."""

    def fit(self, train, val, ctx):
        self.seen_ = "+".join(train[0].modalities)
        self.sliced_ = "+".join(val[:1][0].modalities)

    def score(self, scan, ctx):
        return scan.image[0]
