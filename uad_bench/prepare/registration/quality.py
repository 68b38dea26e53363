"""Quality of a registration: measures of a fit, and a verdict that was validated on correct and wrong fits.

Mutual information has no natural threshold, and the Dice of the brain masks reaches 0.94 upside down. Therefore the
mutual information of a fit is compared with that of poses disturbed by 12 degrees or 12 mm: at a correct pose it is
much higher, at a wrong one it is not. No measure can detect a brain with left and right exchanged, because brains and
atlases are symmetric: only the header determines the side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from uad_bench.data.nifti.read import Grid
from uad_bench.prepare.registration.initial_poses import Brain, FixedSamples, nearest_rotation
from uad_bench.types import Affine

SPACING, SIGMA = 3.0, 1.0  # mm
VOXEL_ML = SPACING**3 / 1000
DEGREES, SHIFT = 12.0, 12.0  # degrees, mm
VOLUME_ML = (900, 1900)
# For an atlas of 1886 ml (MNI152), where correct fits have scales of 0.75 to 1.05.
SCALES, SCALES_ML = (0.70, 1.10), 1886
ROTATION_DEGREES = 30
OUTSIDE, COVERED = 0.01, 0.95

Verdict = Literal["ok", "warn", "fail"]
Floats = npt.NDArray[np.float64]


class Limits(NamedTuple):
    """A measure below `fail` indicates a wrong fit, one below `warn` a doubtful one."""

    fail: float
    warn: float


# 17 correct fits to MNI152 had at least 1.32, 1.70 and 0.94; 68 wrong ones, 12 to 99 mm off, at most 1.14, 1.39 and
# 0.93 (benchmarks/registration.py).
OVER_BEST, OVER_MEAN, DICE = Limits(1.20, 1.30), Limits(1.50, 1.65), Limits(0.90, 0.94)


@dataclass(frozen=True)
class Quality:
    """The verdict on a fit, its warnings in sentences, and its measures for the record."""

    verdict: Verdict
    warnings: list[str]
    figures: dict[str, Any]


class QualityCheck:
    """Assesses fits to one atlas; what is computed from the atlas is reused for the next case."""

    def __init__(self, atlas: Brain, grid: Grid) -> None:
        """An atlas, and the grid of its file."""
        self.grid = grid
        brain = atlas.coarser(SPACING)
        self.samples = FixedSamples.of(brain, SIGMA, brain.share.array >= 0.5)
        self.centre = brain.shape.centre

    def __call__(self, moving: Brain, pose: Affine, views: Mapping[str, Grid], contrast: str) -> Quality:
        """The quality of `pose`, atlas to scan, of the brain in the image `contrast`.

        views: the grids (fields of view) of all images of the case, by modality.
        """
        figures = {
            **self._mutual_information(moving, pose),
            "dice": self._dice(moving, pose, views[contrast]),
            **_size(moving, pose),
            "outside_atlas": self._outside(moving, pose),
            "covered": {name: float(self._in_view(pose, view).mean()) for name, view in views.items()},
        }
        failures, warnings = _failures(figures), _warnings(figures, self._ml)
        verdict: Verdict = "fail" if failures else "warn" if warnings else "ok"
        return Quality(verdict, failures + warnings, _rounded(figures))

    @property
    def _ml(self) -> float:
        """The volume of the atlas's brain, ml."""
        return len(self.samples.points) * VOXEL_ML

    def _mutual_information(self, moving: Brain, pose: Affine) -> dict[str, float]:
        """Mutual information inside the atlas's brain: at the pose, and its ratios to that at the disturbed poses."""
        image = moving.smoothed(SIGMA)
        fit = self.samples.mutual_information(image, pose)
        others = [self.samples.mutual_information(image, pose @ other) for other in disturbances(self.centre)]
        floor = np.finfo(np.float64).tiny
        over_mean, over_best = fit / max(np.mean(others), floor), fit / max(*others, floor)
        return {"mi": fit, "mi_over_mean": float(over_mean), "mi_over_best": float(over_best)}

    def _dice(self, moving: Brain, pose: Affine, view: Grid) -> float:
        """Dice of the brain masks in the atlas's space, within the scan's field of view."""
        index = np.linalg.solve(moving.share.affine, pose) @ self.samples.points.T
        share = ndimage.map_coordinates(moving.share.array, index[:3], order=1, mode="nearest")
        seen = self._in_view(pose, view)
        scan_ml = brain_ml(moving) / np.linalg.det(pose[:3, :3])
        return float(2 * share[seen].sum() * VOXEL_ML / (seen.sum() * VOXEL_ML + scan_ml))

    def _in_view(self, pose: Affine, view: Grid) -> npt.NDArray[np.bool_]:
        """Which points of the atlas's brain lie in a field of view."""
        return _inside(np.linalg.inv(view.affine) @ pose @ self.samples.points.T, view)

    def _outside(self, moving: Brain, pose: Affine) -> float:
        """The share of the scan's brain outside the atlas's box."""
        index = np.argwhere(moving.share.array >= 0.5)
        points = np.hstack([index, np.ones((len(index), 1))]).T
        to_atlas = np.linalg.inv(pose @ self.grid.affine) @ moving.share.affine
        return 1 - float(_inside(to_atlas @ points, self.grid).mean())


def disturbances(centre: Floats) -> list[Affine]:
    """Twelve affines (4, 4): rotations by 12 degrees about `centre` and shifts by 12 mm, both ways on each axis."""
    found = []
    for axis, way in product(range(3), (1, -1)):
        turn, shift = np.eye(4), np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec(way * DEGREES * np.eye(3)[axis], degrees=True).as_matrix()
        turn[:3, 3] = centre - turn[:3, :3] @ centre
        shift[axis, 3] = way * SHIFT
        found += [turn, shift]
    return found


def brain_ml(brain: Brain) -> float:
    """The volume of a brain in its own space, ml."""
    return float(brain.share.array.sum(dtype=np.float64)) * brain.share.grid.voxel_ml


def _size(moving: Brain, pose: Affine) -> dict[str, Any]:
    """Scales and rotation from the atlas to the scan; the brain's volume in the scan and in the atlas."""
    linear = pose[:3, :3]
    volume, determinant = brain_ml(moving), float(np.linalg.det(linear))
    rotation = Rotation.from_matrix(nearest_rotation(linear)).magnitude()
    return {
        "scales": np.linalg.svd(linear, compute_uv=False).tolist(),
        "determinant": determinant,
        "rotation_degrees": float(np.degrees(rotation)),
        "native_ml": volume,
        "atlas_ml": volume / determinant,
    }


def _inside(index: npt.NDArray[Any], grid: Grid) -> npt.NDArray[np.bool_]:
    """Which voxel indices (4, N) lie on a grid, the outer halves of its voxels included."""
    size = np.array(grid.shape)[:, None]
    return np.asarray(((index[:3] >= -0.5) & (index[:3] <= size - 0.5)).all(axis=0))


def _failures(figures: Mapping[str, Any]) -> list[str]:
    """Measures that only wrong fits had, in sentences."""
    return [sentence for sentence, value, limits in _limited(figures) if value < limits.fail]


def _warnings(figures: Mapping[str, Any], atlas_ml: float) -> list[str]:
    """Measures that a user should check, in sentences."""
    usual = (atlas_ml / SCALES_ML) ** (1 / 3)
    least, *_, most = sorted(float(scale) * usual for scale in figures["scales"])
    volume, rotation, outside = figures["native_ml"], figures["rotation_degrees"], figures["outside_atlas"]
    found = [(sentence, limits.fail <= value < limits.warn) for sentence, value, limits in _limited(figures)]
    found += [
        (f"the brain has {volume:.0f} ml", not VOLUME_ML[0] <= volume <= VOLUME_ML[1]),
        (
            f"the scales are {least:.2f} to {most:.2f} of the usual ones",
            least < SCALES[0] or most > SCALES[1],
        ),
        (f"by its header the head is rotated by {rotation:.0f} degrees", rotation > ROTATION_DEGREES),
        (f"{outside:.1%} of the brain lies outside the atlas's box", outside > OUTSIDE),
    ]
    found += [
        (f"{1 - share:.0%} of the atlas's brain lies outside the field of view of {name}", share < COVERED)
        for name, share in figures["covered"].items()
    ]
    return [sentence for sentence, applies in found if applies]


def _limited(figures: Mapping[str, Any]) -> list[tuple[str, float, Limits]]:
    best, mean, dice = figures["mi_over_best"], figures["mi_over_mean"], figures["dice"]
    return [
        (f"the mutual information is only {best:.2f} times that at the best disturbed pose", best, OVER_BEST),
        (f"the mutual information is only {mean:.2f} times the mean at disturbed poses", mean, OVER_MEAN),
        (f"the Dice of the brain masks is only {dice:.2f}", dice, DICE),
    ]


def _rounded(value: Any, digits: int = 4) -> Any:  # any JSON value
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [round(inner, digits) for inner in value] if isinstance(value, list) else round(value, digits)
