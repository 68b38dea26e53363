"""Whether a registration is right: figures of a fit, and a verdict that has been seen to catch wrong ones.

Mutual information has no bar of its own, and the overlap of the masks reaches 0.94 upside down. So the fit is held
against itself: at a right pose the images are much liker than at poses disturbed by 8 degrees or 8 mm, at a wrong
one they are not. What no figure can see is a brain whose left and right are exchanged, because brains and atlases
are symmetric: only the header guards the side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial.transform import Rotation

from uad_bench.data.volumes import Grid
from uad_bench.prepare.atlas import Atlas
from uad_bench.prepare.pose import Brain, Probe, isotropic_brain, nearest_rotation
from uad_bench.types import Affine

SPACING, SIGMA = 3.0, 1.5  # mm
DEGREES, SHIFT = 8.0, 8.0
OVER_BEST, OVER_MEAN, DICE = 1.12, 1.5, 0.90
# The scales of right fits to an atlas of this volume (MNI152) lie between 0.75 and 1.05.
SCALES, SCALES_ML = (0.70, 1.10), 1886
VOLUME_ML = (900, 1900)

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Quality:
    """The verdict on a fit, the sentences that led to it, and its figures for the record."""

    verdict: Verdict
    doubts: list[str]
    figures: dict[str, Any]


class Judge:
    """Judges fits to one atlas; what is made of the atlas is kept for the next case."""

    def __init__(self, atlas: Atlas) -> None:
        self.grid = atlas.mask.grid
        brain = isotropic_brain(atlas.brain, atlas.mask, SPACING)
        self.probe = Probe.of(brain, SIGMA, brain.share.array >= 0.5)
        self.centre = brain.shape.centre

    def __call__(self, moving: Brain, pose: Affine, views: Mapping[str, Grid], contrast: str) -> Quality:
        """The quality of `pose`, atlas to scan, of a brain seen in its image `contrast`; views: the grids of all
        images of the case."""
        figures = {
            **self._likeness(moving, pose),
            "dice": self._dice(moving, pose, views[contrast]),
            **_size(moving, pose),
            "outside_atlas": self._outside(moving, pose),
            "covered": {name: float(self._seen(pose, view).mean()) for name, view in views.items()},
        }
        wrong, doubts = _wrong(figures), _doubts(figures, self._ml)
        verdict: Verdict = "fail" if wrong else "warn" if doubts else "ok"
        return Quality(verdict, wrong + doubts, _rounded(figures))

    @property
    def _ml(self) -> float:
        """The atlas's brain, ml."""
        return len(self.probe.points) * SPACING**3 / 1000

    def _likeness(self, moving: Brain, pose: Affine) -> dict[str, float]:
        """Mutual information inside the atlas's brain: at the pose, and over that at the disturbed poses."""
        image = moving.smoothed(SIGMA)
        fit = self.probe.likeness(image, pose)
        others = [self.probe.likeness(image, pose @ other) for other in disturbances(self.centre)]
        floor = np.finfo(np.float64).tiny
        over_mean, over_best = fit / max(np.mean(others), floor), fit / max(*others, floor)
        return {"mi": fit, "mi_over_mean": float(over_mean), "mi_over_best": float(over_best)}

    def _dice(self, moving: Brain, pose: Affine, view: Grid) -> float:
        """Dice of the brain masks in the atlas's space, as far as the scan's field of view reaches."""
        index = np.linalg.solve(moving.share.affine, pose) @ self.probe.points.T
        both = ndimage.map_coordinates(moving.share.array, index[:3], order=1).sum() * SPACING**3
        atlas = self._seen(pose, view).sum() * SPACING**3
        scan = 1000 * brain_ml(moving) / np.linalg.det(pose[:3, :3])
        return float(2 * both / (atlas + scan))

    def _seen(self, pose: Affine, view: Grid) -> npt.NDArray[np.bool_]:
        """Which points of the atlas's brain lie in a field of view."""
        return _inside(np.linalg.solve(view.affine, pose) @ self.probe.points.T, view)

    def _outside(self, moving: Brain, pose: Affine) -> float:
        """The share of the scan's brain that the atlas's box does not reach."""
        index = np.argwhere(moving.share.array >= 0.5)
        points = np.hstack([index, np.ones((len(index), 1))]) @ moving.share.affine.T
        return 1 - float(_inside(np.linalg.solve(pose @ self.grid.affine, points.T), self.grid).mean())


def disturbances(centre: Floats) -> list[Affine]:
    """Twelve affines (4, 4): turns about `centre` by 8 degrees, and shifts by 8 mm, along each axis both ways."""
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


def _inside(index: Floats, grid: Grid) -> npt.NDArray[np.bool_]:
    """Which voxel indices (4, N) lie on a grid, the outer halves of its voxels included."""
    size = np.array(grid.shape)[:, None]
    return np.asarray(((index[:3] >= -0.5) & (index[:3] <= size - 0.5)).all(axis=0))


def _wrong(figures: Mapping[str, Any]) -> list[str]:
    """What no right fit has shown, in sentences."""
    best, mean, dice = figures["mi_over_best"], figures["mi_over_mean"], figures["dice"]
    found = {
        f"the images are only {best:.2f} times as alike as at the best pose near by": best < OVER_BEST.fail,
        f"the images are only {mean:.2f} times as alike as at poses near by": mean < OVER_MEAN.fail,
        f"the brain masks overlap by a Dice of {dice:.2f} only": dice < DICE.fail,
    }
    return [sentence for sentence, met in found.items() if met]
