"""The image grid that a mask was drawn on.

A dataset may store T1 and T2 on different grids. A mask of either serves both through its world coordinates, once it
is known which of the grids it is on.
"""

from collections.abc import Sequence
from pathlib import Path

from uad_bench.data.nifti.read import TOLERANCE, Grid, offset_voxels, read_grid
from uad_bench.types import Case


def matching_grid(own: Grid, images: Sequence[Grid], *, allow_other: bool) -> Grid:
    """The first grid of `images` that lies within half a voxel of `own`, the grid in the mask's header.

    Without a match: the first grid of `images`, for which `read_mask` then reports the mismatch; or `own` where
    `allow_other` is true or there is no image.
    """
    matching = (grid for grid in images if offset_voxels(own, grid) <= TOLERANCE)
    return next(matching, own if allow_other or not images else images[0])


def mask_grid(mask: Path, case: Case, first: Grid) -> Grid:
    """The grid of the image of `case` that the file `mask` was drawn on, `first` being tried before the others.

    Raises as `read_grid`.
    """
    own = read_grid(mask, case.case_id)
    others = [read_grid(path, case.case_id) for path in case.images.values()]
    return matching_grid(own, [first, *others], allow_other=case.allow_other_mask_grid)
