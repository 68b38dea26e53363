from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from uad_bench.data.nifti.mask_grid import mask_grid, matching_grid
from uad_bench.data.nifti.read import Grid
from uad_bench.errors import DataError
from uad_bench.types import Case

CASE = Case("toy", "a", "a", {}, healthy=True)
MASK = Path("mask.nii.gz")


def grid(shift: float = 0, size: int = 5) -> Grid:
    affine = np.eye(4)
    affine[0, 3] = shift
    return Grid((size, size, size), affine)


def test_the_first_image_within_half_a_voxel_matches():
    first, second, third = grid(9), grid(0.4), grid()
    assert matching_grid(grid(), [first, second, third], CASE, MASK) is second


def test_without_a_match_the_first_image_or_the_own_grid_is_returned():
    own, images = grid(), [grid(9), grid(size=6)]
    assert matching_grid(own, images, CASE, MASK) is images[0]
    assert matching_grid(own, images, replace(CASE, allow_other_mask_grid=True), MASK) is own
    assert matching_grid(own, [], CASE, MASK) is own


def test_the_grid_of_a_mask_file_is_that_of_its_image(write_nifti):
    t1, t2 = grid(9), grid(0.25)
    files = {
        name: write_nifti(f"{name}.nii.gz", np.zeros(g.shape), g.affine)
        for name, g in (("t1", t1), ("t2", t2))
    }
    case = Case("toy", "a", "a", files, healthy=True)
    mask = write_nifti("mask.nii.gz", np.zeros((5, 5, 5)), grid().affine)
    np.testing.assert_array_equal(mask_grid(mask, case, t1).affine, t2.affine)
    far = write_nifti("far.nii.gz", np.zeros((5, 5, 5)), grid(-9).affine)
    assert mask_grid(far, case, t1) is t1
    allowed = replace(case, allow_other_mask_grid=True)
    np.testing.assert_array_equal(mask_grid(far, allowed, t1).affine, grid(-9).affine)


def test_an_image_that_cannot_be_read_matters_only_where_it_may_place_the_mask(write_nifti, tmp_path):
    pointer = tmp_path / "flair.nii.gz"
    pointer.write_text("version https://git-lfs.github.com/spec/v1")
    case = Case("toy", "a", "a", {"flair": pointer}, healthy=True)
    mask = write_nifti("mask.nii.gz", np.zeros((5, 5, 5)), grid().affine)
    first = grid(0.25)
    assert mask_grid(mask, case, first) is first
    with pytest.raises(DataError, match=r"flair\.nii\.gz"):
        mask_grid(mask, case, grid(9))
