"""Atlases: skull-stripped brains that cases are registered to, by name or by the path of a NIfTI file.

"mni152" is the ICBM152 2009a nonlinear symmetric T1 template (Fonov et al., NeuroImage 54(1), 2011,
doi:10.1016/j.neuroimage.2010.07.033), which nilearn ships skull-stripped at 1 mm. Any other name is a file in the
folder $UAD_BENCH_ATLASES.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage

from uad_bench.data.nifti.read import Image, Mask, Volume, read_volume
from uad_bench.data.nifti.validation import zero_nonfinite
from uad_bench.errors import DataError
from uad_bench.prepare.largest_component import largest_component
from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.support.atomic_files import sha256

MNI152 = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
SUFFIXES = (".nii.gz", ".nii")
#: Volume of one human brain; more includes the skull.
LEAST_ML, MOST_ML = 500, 2500


@dataclass(frozen=True, eq=False)
class Atlas:
    """A brain, RAS+, arrays (X, Y, Z) read-only: `brain` float32, 0 outside `mask`."""

    name: str
    brain: Image
    mask: Mask


def load_atlas(name: str) -> Atlas:
    """The atlas of this name, read once in a process.

    Raises DataError where no file is found or the file is no skull-stripped brain (UB337), and whatever `read_volume`
    raises.
    """
    return _load(name, atlas_file(name))


def atlas_sha256(name: str) -> str:
    """The SHA-256 of the atlas's file, in hex. Raises DataError where no file is found (UB337)."""
    return sha256(atlas_file(name))


def atlas_file(name: str) -> Path:
    """The file of an atlas: "mni152", the path of a NIfTI file, or a name in $UAD_BENCH_ATLASES.

    Raises DataError where there is no such file (UB337).
    """
    if name == "mni152":
        return _nilearn_file()
    if name.endswith(SUFFIXES):
        return _existing([Path(name).expanduser()], name, "check the path")
    folder = os.environ.get("UAD_BENCH_ATLASES", "")
    if not folder:
        hint = "set UAD_BENCH_ATLASES to the folder that contains it, or name a .nii.gz file"
        raise DataError("no folder of atlases is known", where=f"atlas {name}", hint=hint, code="UB337")
    hint = f"put {name}.nii.gz into the folder that UAD_BENCH_ATLASES names"
    return _existing([Path(folder).expanduser() / f"{name}{suffix}" for suffix in SUFFIXES], name, hint)


def _nilearn_file() -> Path:
    # Importing nilearn.datasets takes seconds, finding the package does not.
    spec = find_spec("nilearn")
    home = Path(spec.origin).parent if spec and spec.origin else Path("nilearn")
    return _existing([home / MNI152], "mni152", "install nilearn, which ships it")


def _existing(candidates: list[Path], name: str, hint: str) -> Path:
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise DataError("no such atlas", where=f"atlas {name}", hint=hint, code="UB337")
    return found


@lru_cache(maxsize=4)
def _load(name: str, path: Path) -> Atlas:
    where = f"atlas {name}"
    volume = canonical(read_volume(path, where))
    finite = np.isfinite(volume.array)
    mask = ndimage.binary_fill_holes(largest_component(finite & (volume.array != 0)))
    _check_size(float(mask.sum()) * volume.grid.voxel_ml, where)
    brain = np.where(mask, zero_nonfinite(volume.array, mask, where), np.float32(0))
    for array in (brain, mask):
        array.flags.writeable = False
    return Atlas(name, Volume(brain, volume.affine), Volume(mask, volume.affine))


def _check_size(ml: float, where: str) -> None:
    if not LEAST_ML <= ml <= MOST_ML:
        what = f"the atlas has {ml:.0f} ml of non-zero voxels, one brain {LEAST_ML} to {MOST_ML}"
        raise DataError(what, where=where, hint="use a skull-stripped brain, background 0", code="UB337")
