"""The datasets of the rehearsal: number of subjects, file names, native grids, and the disk space that they take."""

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

SITES = (("Guys", 0.55), ("HH", 0.87), ("IOP", 1.0))


@dataclass(frozen=True)
class Image:
    """A file of a subject. source: t1, t2, flair of the phantom, `lesion_mask` or `brain_mask`; gain: of the values."""

    path: str
    source: str
    gain: float = 1.0


@dataclass(frozen=True)
class Layout:
    """A dataset as it is on disk.

    subjects: of the full size; kind: of the lesions, "" for healthy subjects; shape, spacing: of the native grid, mm;
    axes: signs of the file's axes along R, A, S; mib: of the files of a subject, measured, for the check of the disk;
    at_least: subjects; fewer leave a role of the protocol empty.
    """

    name: str
    subjects: int
    kind: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    axes: tuple[int, int, int]
    dtype: str
    mib: float
    files: Callable[[int], list[Image]]
    at_least: int

    def count(self, share: Fraction) -> int:
        """Subjects at a share of the full size."""
        return max(self.at_least, math.ceil(self.subjects * share))

    def affine(self) -> np.ndarray:
        """Voxel to world, mm, (4, 4); the centre of the grid is the origin."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.diag(np.multiply(self.axes, self.spacing))
        matrix[:3, 3] = -matrix[:3, :3] @ (np.array(self.shape) - 1) / 2
        return matrix


def _site(number: int) -> str:
    place = (number * 0.618034) % 1
    return next(site for site, up_to in SITES if place < up_to)


def _ixi(number: int) -> list[Image]:
    return [Image(f"IXI-T2/IXI{number + 2:03d}-{_site(number)}-{number + 500:04d}-T2.nii.gz", "t2")]


def _brats(number: int) -> list[Image]:
    name = f"BraTS2021_{number:05d}"
    folder = f"RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021/{name}/{name}"
    sources = {"t1": ("t1", 1.0), "t1ce": ("t1", 1.2), "t2": ("t2", 1.0), "flair": ("flair", 1.0)}
    images = [Image(f"{folder}_{word}.nii.gz", *source) for word, source in sources.items()]
    return [*images, Image(f"{folder}_seg.nii.gz", "lesion_mask")]


def _mslub(number: int) -> list[Image]:
    name = f"patient{number + 1:02d}"
    sources = {"T1W": ("t1", 1.0), "T1WKS": ("t1", 1.2), "T2W": ("t2", 1.0), "FLAIR": ("flair", 1.0)}
    images = [Image(f"{name}/{name}_{word}.nii.gz", *source) for word, source in sources.items()]
    masks = {"brainmask": "brain_mask", "consensus_gt": "lesion_mask"}
    return [*images, *(Image(f"{name}/{name}_{word}.nii.gz", source) for word, source in masks.items())]


LAYOUTS: Mapping[str, Layout] = {
    one.name: one
    for one in (
        Layout("ixi", 577, "", (256, 256, 130), (0.9375, 0.9375, 1.25), (-1, 1, 1), "int16", 2.5, _ixi, 5),
        Layout("brats21", 1251, "tumour", (240, 240, 155), (1, 1, 1), (-1, -1, 1), "int16", 8, _brats, 3),
        Layout("mslub", 30, "ms", (192, 512, 512), (0.8, 0.469, 0.469), (-1, -1, 1), "int16", 48, _mslub, 4),
    )
}


def write_tables(root: Path, name: str, subjects: int) -> None:
    """The table of demographics of a dataset: some subjects of IXI are on two rows, some have no age."""
    rng = np.random.default_rng(subjects)
    ages = [f"{age:.1f}" for age in rng.uniform(20, 86, subjects)]
    if name == "ixi":
        rows = [(n + 2, 1 + n % 2, age if n % 40 else "") for n, age in enumerate(ages)]
        _write(root / "IXI.csv", ("IXI_ID", "SEX_ID (1=m, 2=f)", "AGE"), [*rows, *rows[::50]])
    if name == "mslub":
        rows = [(n + 1, age, "FM"[n % 2]) for n, age in enumerate(ages)]
        _write(root / "patient_info.csv", ("patient_id", "age", "sex"), rows)


def _write(path: Path, head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
