"""Accuracy and speed of the step `register`, on known transforms and on real scans.

    OMP_NUM_THREADS=1 python -m benchmarks.registration --shared ../shared [--full]

Prints Markdown tables. "known": the atlas MNI152 with a known rotation, scale and translation, another intensity
scale, a smooth bias field and noise; the error is known exactly. "contrasts": two modalities of one subject,
registered separately. "headers": real scans whose headers are rotated by 30 to 180 degrees and shifted by 80 mm,
compared with the result under their own header. "flags": results from initial poses that are wrong by 40 degrees or
more, and whether the verdict is "fail". The last two use three scans, or all with --full (15 minutes). Errors are
distances over the atlas brain, in mm of the scan. One thread, CPU seconds of the process.
"""

import argparse
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.transform import Rotation

from uad_bench.data.nifti.read import Grid, Image, Mask, Volume, read_grid, read_mask, read_volume
from uad_bench.prepare.largest_component import largest_component
from uad_bench.prepare.registration.affine import COARSE, AffineRegistration
from uad_bench.prepare.registration.atlas import load_atlas
from uad_bench.prepare.registration.initial_poses import (
    Brain,
    initial_poses,
    isotropic_brain,
    nearest_rotation,
)
from uad_bench.prepare.registration.quality import Quality, QualityCheck
from uad_bench.prepare.resampling.grid import on_grid, sample
from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.canonical import Canonical
from uad_bench.prepare.steps.register import Register
from uad_bench.types import Affine, FloatArray

IXI = "IXI_brain/IXI-{0}/IXI002-Guys-0828-{0}"
MSLUB = "MSLUB/patient{0}/patient{0}_{1}.nii.gz"
BRATS = "BraTS21/BraTS2021_{0}/BraTS2021_{0}_{1}.nii.gz"
#: Subject, image and brain mask in the folder of samples, modalities; without a mask, non-zero voxels are brain.
SCANS = (
    ("IXI 002", IXI + ".nii.gz", IXI + "_mask.nii.gz", "T1 T2"),
    ("MSLUB 07", MSLUB.format("07", "{}"), MSLUB.format("07", "brainmask"), "T2W FLAIR"),
    ("MSLUB 19", MSLUB.format("19", "{}"), MSLUB.format("19", "brainmask"), "T1W T2W FLAIR"),
    ("BraTS 00001", BRATS.format("00001", "{}"), "", "t1 t2 flair"),
    ("BraTS 96692", BRATS.format("96692", "{}"), "", "t1 t2 flair"),
    ("stroke 01", "stroke/clin01/clin01_{}.nii.gz", "stroke/clin01/clin01_brainmask.nii.gz", "T2W"),
)
DEGREES, SHIFT = (30, 60, 90, 180), 80.0
RIGHT = 2.0  # mm


@dataclass(frozen=True, eq=False)
class Found:
    """A registration: the pose (atlas to scan), the measures that the step records, CPU seconds."""

    pose: Affine
    figures: dict[str, Any]
    seconds: float


def main() -> None:
    """Measure, print tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    shared = Path(os.environ.get("UAD_BENCH_SHARED", "../shared"))
    parser.add_argument("--shared", type=Path, default=shared, help="the folder that contains data/")
    parser.add_argument("--full", action="store_true", help="the headers of all scans")
    given = parser.parse_args()
    logging.getLogger("uad_bench").setLevel(logging.ERROR)
    known()
    scans = dict(read_scans(given.shared / "data"))
    if scans:
        own = {name: register(*scan) for name, scan in scans.items()}
        real(own)
        contrasts(own)
        some = {name: scans[name] for name in (scans if given.full else list(scans)[::6])}
        flags(some, own)
        headers(some, own)


def register(image: Image, mask: Mask) -> Found:
    """Register a scan; a result with verdict "fail" raises no error."""
    working = Canonical().apply(CaseVolumes("trial", {"image": image}, mask))
    began = time.process_time()
    done = Register(strict=False).apply(working)
    seconds = time.process_time() - began
    return Found(np.linalg.inv(done.to_atlas), dict(done.figures), seconds)


def known() -> None:
    """A known transform, at three levels of disturbance."""
    print("\n| known transform of MNI152 | mean error, mm | largest, mm | CPU s |\n|---|---|---|---|")
    names = {
        "bias and noise (the atlas's preparation included)": (1.0, 0.03),
        "noise": (0, 0.03),
        "clean": (0, 0),
    }
    for name, (bias, noise) in names.items():
        image, mask, truth = moved_atlas(bias, noise)
        found = register(image, mask)
        error = distances(found.pose, truth)
        print(f"| {name} | {error.mean():.2f} | {error.max():.2f} | {found.seconds:.1f} |", flush=True)


def moved_atlas(bias: float, noise: float) -> tuple[Image, Mask, Affine]:
    """MNI152 under a known pose, times 1.7; bias scales a smooth field, noise is relative to the maximum."""
    atlas = load_atlas("mni152")
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", [12, -8, 10], degrees=True).as_matrix() @ np.diag(
        [1.08, 0.93, 1.05]
    )
    pose[:3, 3] = 8, -12, 15
    affine = np.eye(4)
    affine[:3, 3] = -110, -150, -80
    target, source = Grid((230, 260, 220), affine), Grid(atlas.brain.grid.shape, pose @ atlas.brain.affine)
    mask = sample(atlas.mask.array.astype(np.float32), source, target) >= 0.5
    clean = 1.7 * sample(atlas.brain.array, source, target) * np.exp(bias * field(target))
    rough = clean + np.random.default_rng(0).normal(0, noise * atlas.brain.array.max(), target.shape)
    return Volume(np.where(mask, rough, 0).astype(np.float32), affine), Volume(mask, affine), pose


def field(grid: Grid) -> FloatArray:
    """The logarithm of a smooth bias field, about -0.4 to 0.4."""
    x, y, z = (np.linspace(-0.5, 0.5, size) for size in grid.shape)
    smooth = 0.3 * np.sin(2.5 * x + 1)[:, None, None] + 0.3 * y[:, None] - 0.25 * np.cos(3 * z)
    return np.asarray(smooth, dtype=np.float32)


def real(own: dict[str, Found]) -> None:
    """The results for the real scans under their own headers."""
    print(
        "\n| scan | start | MI over best | MI over mean | Dice | verdict | CPU s |\n|---|---|---|---|---|---|---|"
    )
    for name, found in own.items():
        figures = found.figures
        print(
            f"| {name} | {figures['start']} | {figures['mi_over_best']:.2f} | {figures['mi_over_mean']:.2f} "
            f"| {figures['dice']:.3f} | {figures['verdict']} | {found.seconds:.1f} |"
        )


def contrasts(own: dict[str, Found]) -> None:
    """Distances between the results for two modalities of one subject."""
    print("\n| modalities registered separately | mean distance, mm | largest, mm |\n|---|---|---|")
    means = []
    for one, other in combinations(own, 2):
        if one.split()[:2] == other.split()[:2]:
            distance = distances(own[one].pose, own[other].pose)
            means.append(distance.mean())
            print(f"| {one} and {other.split()[2]} | {distance.mean():.2f} | {distance.max():.2f} |")
    print(f"| all | {np.mean(means):.2f} | {np.max(means):.2f} |", flush=True)


def flags(scans: dict[str, tuple[Image, Mask]], own: dict[str, Found]) -> None:
    """The measures of correct results, and of results from four wrong initial poses per scan."""
    atlas = load_atlas("mni152")
    brain = isotropic_brain(atlas.brain, atlas.mask)
    fit, judge = AffineRegistration(brain), QualityCheck(brain, atlas.mask.grid)
    wrong: list[tuple[float, Quality]] = []
    for name, scan in scans.items():
        moving = brain_of(*scan)
        for start in wrong_starts(fit, moving, own[name].pose):
            pose = fit.refine(moving, start)
            error = float(distances(pose, own[name].pose).mean())
            if error > RIGHT:
                wrong.append((error, judge(moving, pose, {name: moving.image.grid}, name)))
    print(
        "\n| results | error, mm | MI over best | MI over mean | Dice | verdict fail |\n|---|---|---|---|---|---|"
    )
    print(flag_row("correct", [(0.0, found.figures) for found in own.values()]))
    print(
        flag_row(
            "wrong", [(error, quality.figures | {"verdict": quality.verdict}) for error, quality in wrong]
        )
    )


def flag_row(name: str, fits: list[tuple[float, dict[str, Any]]]) -> str:
    """Ranges from the smallest to the largest value."""
    columns = [[error for error, _ in fits]]
    columns += [[figures[key] for _, figures in fits] for key in ("mi_over_best", "mi_over_mean", "dice")]
    ranges = " | ".join(f"{min(column):.3g} to {max(column):.3g}" for column in columns)
    failed = sum(figures["verdict"] == "fail" for _, figures in fits)
    return f"| {name} | {ranges} | {failed} of {len(fits)} |"


def brain_of(image: Image, mask: Mask) -> Brain:
    """The brain as the step uses it."""
    image = canonical(image)
    return isotropic_brain(image, Volume(on_grid(mask, image.grid) >= 0.5, image.affine))


def wrong_starts(fit: AffineRegistration, moving: Brain, right: Affine) -> list[Affine]:
    """Four of the most similar initial poses that differ from the correct one by 40 degrees or more."""
    blurred, turn = moving.smoothed(COARSE.sigma), nearest_rotation(right[:3, :3])
    candidates = [
        pose
        for kind in initial_poses(fit.coarse.brain.shape, moving.shape).values()
        for pose in kind.values()
        if Rotation.from_matrix(nearest_rotation(pose[:3, :3]).T @ turn).magnitude() > np.radians(40)
    ]
    return sorted(candidates, key=lambda pose: -fit.samples.mutual_information(blurred, pose))[:8:2]


def headers(scans: dict[str, tuple[Image, Mask]], own: dict[str, Found]) -> None:
    """The results for each scan under rotated and shifted headers."""
    print(
        "\n| headers rotated by | correct to 2 mm | wrong and flagged | wrong, not flagged | largest mean error, mm |"
    )
    print("|---|---|---|---|---|")
    for degrees in DEGREES:
        errors, failed = [], []
        for name, (image, mask) in scans.items():
            for header in rotated_headers(degrees):
                found = register(
                    Volume(image.array, header @ image.affine), Volume(mask.array, header @ mask.affine)
                )
                errors.append(distances(found.pose, header @ own[name].pose).mean())
                failed.append(found.figures["verdict"] == "fail")
        wrong, flagged = np.array(errors) > RIGHT, np.array(failed)
        print(
            f"| {degrees} degrees and shifted by {SHIFT:.0f} mm | {(~wrong).sum()} of {len(wrong)} "
            f"| {(wrong & flagged).sum()} | {(wrong & ~flagged).sum()} | {max(errors):.2f} |",
            flush=True,
        )


def rotated_headers(degrees: float) -> Iterator[Affine]:
    """Rotations about each axis, with a shift along it."""
    for axis in np.eye(3):
        header = np.eye(4)
        header[:3, :3] = Rotation.from_rotvec(degrees * axis, degrees=True).as_matrix()
        header[:3, 3] = SHIFT * axis
        yield header


def distances(one: Affine, other: Affine) -> FloatArray:
    """The distances (N,) between the images of points in the atlas brain under two poses."""
    mask = load_atlas("mni152").mask
    index = np.argwhere(mask.array[::6, ::6, ::6]) * 6
    points = index @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    difference = one - other
    return np.asarray(np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1))


def read_scans(data: Path) -> Iterator[tuple[str, tuple[Image, Mask]]]:
    """The available scans with their brain masks, as "dataset subject modality"; none if the folder is missing."""
    for subject, image_name, mask_name, contrasts_ in SCANS:
        for contrast in contrasts_.split():
            path = data / image_name.format(contrast)
            if path.is_file():
                image = read_volume(path, subject)
                mask = data / mask_name.format(contrast)
                yield (
                    f"{subject} {contrast}",
                    (image, read_mask(mask, subject, image.grid) if mask_name else nonzero_brain(image)),
                )
    raw = data / "MSLUB_longitudinal/patient1"
    for contrast in ("FLAIR", "T1W", "T2W") if raw.is_dir() else ():
        yield f"longitudinal 1 {contrast}", longitudinal(raw, contrast)


def longitudinal(folder: Path, contrast: str) -> tuple[Image, Mask]:
    """A raw scan in the space of the same visit's FLAIR, and the brain mask, which is in another space.

    The transform files lead from FLAIR to the modality, and from the common space to FLAIR.
    """
    image = read_volume(folder / f"raw/patient1_study1_{contrast}.nii.gz", contrast)
    mask_path = folder / "patient1_brainmask.nii.gz"
    mask = read_mask(mask_path, contrast, read_grid(mask_path, contrast))
    to_contrast = folder / f"raw/patient1_study1_{contrast}_intrastudy_to_FLAIR.txt"
    home = np.eye(4) if contrast == "FLAIR" else np.linalg.inv(itk_affine(to_contrast))
    common = itk_affine(folder / "patient1_study1_FLAIR_to_common_space.txt")
    return Volume(image.array, home @ image.affine), Volume(mask.array, common @ mask.affine)


def itk_affine(path: Path) -> Affine:
    """The matrix (4, 4) of an ITK transform file, converted from LPS+ to RAS+."""
    transform = sitk.ReadTransform(str(path))
    ends = np.array(
        [transform.TransformPoint(point) for point in np.vstack([np.eye(3), np.zeros(3)]).tolist()]
    )
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = (ends[:3] - ends[3]).T, ends[3]
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    return turn @ matrix @ turn


def nonzero_brain(image: Image) -> Mask:
    """The brain mask of a skull-stripped scan."""
    return Volume(ndimage.binary_fill_holes(largest_component(image.array != 0)), image.affine)


if __name__ == "__main__":
    main()
