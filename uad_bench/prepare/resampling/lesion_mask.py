"""Lesion masks on another grid: the rule of the fullest voxels keeps the volume and every lesion.

At 2 mm, a threshold of one half on the filled share of each voxel removes a fifth to a third of the volume of small
lesions, and nearest neighbour loses whole lesions. Therefore as many voxels are kept as the lesions fill: first the
fullest voxel of each lesion, then the fullest of all. Nearest neighbour is used by the protocols of papers.
"""

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from uad_bench.data.nifti.read import Grid, Mask, Volume
from uad_bench.prepare.resampling.grid import NUDGE, interpolate, on_grid
from uad_bench.types import BoolArray, FloatArray

log = logging.getLogger(__name__)

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ResampledLesions:
    """A lesion mask on its new grid, and the lesions that were lost.

    lost: lesion voxels outside the new field of view, in voxels of the new grid; lesions: components (26 neighbours)
    of the source; lesions_outside: those entirely outside the field of view; lesions_vanished: those inside it
    without a voxel.
    """

    mask: Mask
    lost: int
    lesions: int
    lesions_outside: int
    lesions_vanished: int = 0

    def figures(self, case_id: str) -> dict[str, Any]:
        """The values for the record; losses are also logged as warnings."""
        warnings = []
        if self.lost:
            warnings.append(f"{self.lost} lesion voxels lie outside the grid")
        if self.lesions_vanished:
            warnings.append(f"{self.lesions_vanished} of {self.lesions} lesions have no voxel left")
        for sentence in warnings:
            log.warning("%s: %s", case_id, sentence)
        return {
            "lesion_voxels": int(self.mask.array.sum()),
            "lesion_voxels_lost": self.lost,
            "lesions": self.lesions,
            "lesions_outside": self.lesions_outside,
            "lesions_vanished": self.lesions_vanished,
            "warnings": warnings,
        }


def resample_lesions(mask: Mask, grid: Grid) -> ResampledLesions:
    """`mask` on `grid` by the rule of the fullest voxels."""
    share = on_grid(mask, grid)
    labels, count = components(mask)
    lesion, voxel = _target_voxels(labels, mask.grid, grid)
    inside = voxel >= 0
    anchors = fullest_of_each(lesion[inside], voxel[inside])
    kept = fullest(share, round(float(share.sum(dtype=np.float64))), anchors)
    lost = in_voxels_of(grid, int((~inside).sum()), mask.grid)
    return ResampledLesions(Volume(kept, grid.affine), lost, count, count - len(np.unique(lesion[inside])))


def nearest_lesions(mask: Mask, grid: Grid) -> ResampledLesions:
    """`mask` on `grid` by nearest neighbour, as in papers: lesions smaller than a voxel may vanish."""
    labels, count = components(mask)
    after = interpolate(labels, mask.grid, grid, 0)
    lesion, voxel = _target_voxels(labels, mask.grid, grid)
    inside = np.union1d(lesion[voxel >= 0], after[after > 0])
    vanished = len(inside) - len(np.unique(after[after > 0]))
    lost = in_voxels_of(grid, int((voxel < 0).sum()), mask.grid)
    return ResampledLesions(Volume(after > 0, grid.affine), lost, count, count - len(inside), vanished)


def components(mask: Mask) -> tuple[npt.NDArray[np.int32], int]:
    """The lesions of a mask (26 neighbours), numbered from 1, int32 (X, Y, Z), and their number."""
    labels, count = ndimage.label(mask.array, structure=np.ones((3, 3, 3)))
    return labels, int(count)


def in_voxels_of(grid: Grid, voxels: int, before: Grid) -> int:
    """The number of voxels of `grid` with the volume of `voxels` voxels of the grid `before`, rounded up."""
    return math.ceil(round(voxels * before.voxel_ml / grid.voxel_ml, 6))


def fullest(share: FloatArray, count: int, anchors: Index) -> BoolArray:
    """The voxels `anchors` (flat indices) and the fullest others, `count` in total, bool (X, Y, Z).

    More than `count` only where there are more anchors. Of equal shares, the voxel in fuller surroundings comes first:
    with eight source voxels per voxel shares are often equal, and the order in memory would shift lesions to one side.

    >>> share = np.array([[[0.2, 0.9, 0.4, 0.0]]], np.float32)
    >>> fullest(share, 2, anchors=np.array([0])).ravel().tolist()
    [True, True, False, False]
    """
    around = ndimage.convolve(share, np.ones((3, 3, 3), dtype=np.float32), mode="constant").ravel()
    later = np.ones(share.size, dtype=np.bool_)
    later[anchors] = False
    filled = np.flatnonzero((share.ravel() > 0) | ~later)
    keys = (-np.round(around[filled], 4), -np.round(share.ravel()[filled], 6), later[filled])
    kept = np.zeros(share.size, dtype=np.bool_)
    kept[filled[np.lexsort(keys)[: max(count, int((~later).sum()))]]] = True
    return kept.reshape(share.shape)


def fullest_of_each(lesion: Index, voxel: Index) -> Index:
    """For each lesion the target voxel that contains most of its source voxels; the first of equals."""
    pairs, counts = np.unique(np.stack([lesion, voxel]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    best: Index = pairs[1][order][first]
    return best


def _target_voxels(labels: npt.NDArray[np.int32], source: Grid, target: Grid) -> tuple[Index, Index]:
    """For each lesion voxel: the number of its lesion, and the flat index of its target voxel (-1: none)."""
    indices = np.argwhere(labels)
    to_target = np.linalg.solve(target.affine, source.affine)
    voxels = np.floor(indices @ to_target[:3, :3].T + to_target[:3, 3] + 0.5 + NUDGE).astype(np.intp)
    inside = ((voxels >= 0) & (voxels < target.shape)).all(axis=1)
    flat = np.full(len(voxels), -1, dtype=np.intp)
    flat[inside] = np.ravel_multi_index(tuple(voxels[inside].T), target.shape)
    return labels[tuple(indices.T)].astype(np.intp), flat
