"""The versions of the generator: what a cohort is generated from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uad_bench.errors import UsageError
from uad_datasets.phantom import subject
from uad_datasets.phantom.grid import affine
from uad_datasets.phantom.subject import Phantom
from uad_datasets.phantom.v5.lattice import Lattice
from uad_datasets.phantom.v5.subject import make_phantom

#: The version of a cohort unless `phantom.version` says otherwise.
DEFAULT_VERSION = 5
VERSIONS, SPACINGS = (4, 5), (1, 2)


@dataclass(frozen=True)
class Recipe:
    """Version of the generator (4 or 5), voxel size in mm (1 or 2) and seed: with a case id, they give its voxels.

    A change of a voxel needs a new version. Raises UsageError for a version or a spacing that does not exist.
    """

    version: int = DEFAULT_VERSION
    spacing: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise UsageError(
                f"no version {self.version!r} of the phantom", where="phantom.version", hint="choose 4 or 5"
            )
        if self.spacing not in SPACINGS:
            raise UsageError(
                f"no phantom with voxels of {self.spacing!r} mm",
                where="phantom.spacing",
                hint="choose 1 or 2",
            )
        if self.version == 4 and self.spacing != 2:
            hint = "leave out phantom.version or phantom.spacing"
            raise UsageError(
                "version 4 of the phantom has voxels of 2 mm only", where="phantom.spacing", hint=hint
            )

    @property
    def name(self) -> str:
        """The beginning of the name of the cohort's folder, "v4-seed0", "v5-1mm-seed0"."""
        size = "" if self.spacing == 2 else f"-{self.spacing}mm"
        return f"v{self.version}{size}-seed{self.seed}"

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """Voxel to MNI mm, (4, 4)."""
        return affine() if self.spacing == 2 else Lattice(self.spacing).affine()

    def make(self, case_id: str, kind: str) -> Phantom:
        """The phantom of one case; kind: a lesion kind, or "" for a healthy subject."""
        if self.version == 4:
            return subject.make_phantom(self.seed, case_id, kind)
        return make_phantom(self.seed, case_id, kind, self.spacing)
