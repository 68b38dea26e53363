"""The cohort on disk: generated once, under a lock, complete or absent."""

import csv
import gzip
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from uad_bench.errors import EnvironmentFault
from uad_bench.support.locks import locked
from uad_datasets.phantom.contrast import MODALITIES
from uad_datasets.phantom.generate import Recipe
from uad_datasets.phantom.subject import KINDS, Phantom

TABLE = "phantom.csv"
COLUMNS = ("case_id", "kind", "healthy", "brain_mask", "lesion_mask", *MODALITIES)
#: Further columns from version 5 on: lesions drawn, those smaller than a voxel, and the volume of all of them.
LESION_COLUMNS = ("lesions", "lesions_below_voxel", "lesion_ml")

README = """\
A synthetic cohort of brain MRI, written by uad-bench (dataset `phantom`). No person was scanned for it.

Every subject is a random smooth deformation of the MNI152 template's tissue maps, with simulated T1, T2 and
FLAIR contrast. The template is ICBM152 2009a nonlinear symmetric, as the nilearn package ships it:
  Fonov V, Evans AC, Botteron K, Almli CR, McKinstry RC, Collins DL. Unbiased average age-appropriate atlases
  for pediatric studies. NeuroImage 54(1), 2011, 313-327. doi:10.1016/j.neuroimage.2010.07.033
  https://www.bic.mni.mcgill.ca/ServicesAtlases/ICBM152NLin2009 (terms of use there;
  nilearn's own description gives the licence as "unknown").

phantom.csv lists the cases. Volumes are NIfTI, RAS+, {spacing} mm, in MNI152 mm; masks are 0 or 1.
"""
LESION_COLUMNS_NOTE = """
Lesions of multiple sclerosis are drawn at 1 mm, with counts and volumes from the quantiles of the 30 patients of MSLUB
(Lesjak et al., Neuroinformatics 2018, doi:10.1007/s12021-017-9348-7); no image or mask of theirs is contained.
lesions counts all that were drawn, lesions_below_voxel those smaller than a voxel; each has a voxel in the mask.
"""

log = logging.getLogger("uad_bench")


def case_kinds(healthy: int, lesions: int) -> dict[str, str]:
    """Case id -> kind of lesion ("" for the healthy), `lesions` of every kind."""
    kinds = {f"phantom-h{i:03d}": "" for i in range(healthy)}
    return kinds | {f"phantom-{kind}-{i:03d}": kind for kind in KINDS for i in range(lesions)}


def ensure_cohort(
    root: Path, recipe: Recipe, *, healthy: int, lesions: int, workers: int | None = None
) -> Path:
    """The folder of the cohort, generated now if it does not exist, also after a killed process.

    workers: threads; None: one per core, 16 at most. The voxels depend on `recipe` and the case ids alone. Raises
    EnvironmentFault where the folder cannot be written.
    """
    try:
        return _ensure_cohort(
            root, case_kinds(healthy, lesions), recipe, workers or min(os.cpu_count() or 1, 16)
        )
    except OSError as error:
        hint = "free some space, or set UAD_BENCH_CACHE to another folder"
        raise EnvironmentFault(
            f"cannot write the synthetic cohort: {error}", where=str(root), hint=hint
        ) from error


def _ensure_cohort(root: Path, kinds: dict[str, str], recipe: Recipe, workers: int) -> Path:
    """`ensure_cohort`, with OSError where the folder cannot be written."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with locked(root.with_name(f"{root.name}.lock"), wait=True):
        if not root.is_dir():
            log.info("generating the synthetic cohort in %s", root)
            unfinished = root.with_name(f"{root.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            write_cohort(unfinished, kinds, recipe, workers)
            unfinished.replace(root)
            log.info("synthetic cohort complete: %d cases", len(kinds))
    return root


def write_cohort(folder: Path, kinds: dict[str, str], recipe: Recipe, workers: int) -> None:
    """Write the volumes of every case, the table, and a README with the sources."""
    folder.mkdir()
    # Threads, not processes: scipy and zlib release the interpreter lock, and the atlas is shared.
    with ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(partial(_write_case, folder, recipe), kinds, kinds.values()))
    readme = README.format(spacing=recipe.spacing) + (LESION_COLUMNS_NOTE if recipe.version > 4 else "")
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS + (LESION_COLUMNS if recipe.version > 4 else ()))
        table.writeheader()
        table.writerows(rows)
        file.flush()
        os.fsync(file.fileno())


def read_table(root: Path) -> list[dict[str, str]]:
    """The rows of phantom.csv, one per case, with COLUMNS."""
    with (root / TABLE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_case(folder: Path, recipe: Recipe, case_id: str, kind: str) -> dict[str, str]:
    """Write the volumes of one case; its row of the table, files relative to `folder`."""
    phantom = recipe.make(case_id, kind)
    volumes = {m: np.rint(image).astype(np.int16) for m, image in phantom.images.items()}
    volumes["brain_mask"] = phantom.brain_mask.astype(np.uint8)
    if kind:
        volumes["lesion_mask"] = phantom.lesion_mask.astype(np.uint8)
    (folder / case_id).mkdir()
    files = {name: f"{case_id}/{name}.nii.gz" for name in volumes}
    for name, volume in volumes.items():
        _write_volume(folder / files[name], volume, recipe.affine)
    row = {"case_id": case_id, "kind": kind, "healthy": str(int(not kind)), "lesion_mask": "", **files}
    return row | (_lesion_figures(phantom, recipe) if recipe.version > 4 else {})


def _lesion_figures(phantom: Phantom, recipe: Recipe) -> dict[str, str]:
    """The values of LESION_COLUMNS."""
    below = sum(volume < recipe.spacing**3 for volume in phantom.volumes)
    values = (len(phantom.volumes), below, f"{sum(phantom.volumes) / 1000:.3f}")
    return dict(zip(LESION_COLUMNS, map(str, values), strict=True))


def _write_volume(path: Path, volume: npt.NDArray[np.generic], affine: npt.NDArray[np.float64]) -> None:
    """Write a gzipped NIfTI whose bytes depend on the voxels alone, without time stamp and name."""
    image: Any = nib.Nifti1Image(volume, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="mni")
    image.set_qform(affine, code="mni")
    with path.open("wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
            packed.write(image.to_bytes())
        os.fsync(file.fileno())
