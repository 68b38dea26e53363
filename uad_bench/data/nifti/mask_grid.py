"""The image grid that a mask was drawn on.

A dataset may store T1 and T2 on different grids. A mask of either serves both through its world coordinates, once it
is known which of the grids it is on.
"""

from collections.abc import Sequence
from pathlib import Path

from uad_bench.data.nifti.orientation import TOLERANCE, check_sides
from uad_bench.data.nifti.read import Grid, apart, read_grid
from uad_bench.data.nifti.validation import location
from uad_bench.types import Case


def matching_grid(own: Grid, images: Sequence[Grid], case: Case, mask: Path) -> Grid:
    """The first grid of `images` that lies within half a voxel of `own`, the grid in the header of `mask`.

    The transforms that are read come before the other ones of the headers. Without a match: the first grid of `images`,
    for which `read_mask` then reports the mismatch; or `own` where the case allows masks on a grid of their own or
    there is no image. Raises DataError where such a mask's header exchanges left and right (UB325).
    """
    found = [(by_other, grid) for grid in images for off, by_other in [apart(own, grid)] if off <= TOLERANCE]
    if found:
        return min(found, key=lambda one: one[0])[1]
    if images and not case.allow_other_mask_grid:
        return images[0]
    if case.orientation is None:
        check_sides(own.affine, own.other, location(case.case_id, mask))
    return own


def mask_grid(mask: Path, case: Case, first: Grid) -> Grid:
    """The grid of the image of `case` that the file `mask` was drawn on, `first` being tried before the others.

    The headers of the other images are read only for a mask that is not on `first` by the transforms that are read.
    Raises as `read_grid` and `matching_grid`.
    """
    own = read_grid(mask, case.case_id, case.orientation)
    offset, by_other = apart(own, first)
    if offset <= TOLERANCE and not by_other:
        return first
    others = [read_grid(path, case.case_id, case.orientation) for path in case.images.values()]
    return matching_grid(own, [first, *others], case, mask)
