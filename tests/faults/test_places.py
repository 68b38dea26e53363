"""F15 to F22: grids that differ, orientations, affines, dimensions."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from tests.helpers.damage import with_header

SHAPE = (24, 28, 20)
AFFINE = np.diag([6.0, 6.0, 6.0, 1.0])
MASKS = ["lesion_mask", "brain_mask"]


def shifted(mm):
    affine = AFFINE.copy()
    affine[1, 3] = mm
    return affine


@pytest.mark.parametrize("column", MASKS)
def test_f15_a_mask_of_another_shape_is_an_error_with_both_shapes(workspace, column):
    workspace.edit(workspace.file("a00", column), lambda array: np.pad(array, ((0, 0), (0, 0), (0, 1))))
    workspace.refuses(
        "a00", "UB328", "24x28x21 voxels", "the image is 24x28x20 voxels", workspace.file("a00", column).name
    )


@pytest.mark.parametrize("column", MASKS)
def test_f16_a_mask_half_a_voxel_off_is_read_on_its_image(workspace, column):
    """As in 29 of 30 patients of a public dataset."""
    workspace.keep("h00", "a00")
    workspace.prepare()
    before = workspace.prepared("a00")
    workspace.edit(workspace.file("a00", column), lambda array: array, shifted(3.0))
    workspace.forget()
    answer = workspace.prepare()
    assert answer.code == 0
    assert f"{workspace.file('a00', column).name}: the mask is 0.50 voxels off its image" in answer.err
    for name, array in workspace.prepared("a00").items():
        np.testing.assert_array_equal(array, before[name])
    answer = workspace.check()
    assert (answer.code, "0.50 voxels off its image" in answer.out) == (0, True)


@pytest.mark.parametrize("column", MASKS)
def test_f17_a_mask_farther_off_is_refused(workspace, column):
    workspace.edit(workspace.file("a00", column), lambda array: array, shifted(3.1))
    workspace.refuses(
        "a00", "UB328", "origin 0.00, 3.10, 0.00", "origin 0.00, 0.00, 0.00", "resample the mask"
    )


@pytest.mark.parametrize("column", MASKS)
def test_f17_a_mask_with_an_axis_flipped_is_refused_with_both_orientations(workspace, column):
    workspace.edit(workspace.file("a00", column), lambda array: array, np.diag([-6.0, 6, 6, 1]))
    workspace.refuses("a00", "UB328", "axes LAS", "axes RAS", workspace.file("a00", column).name)


def test_f17_a_mask_on_another_grid_is_placed_by_world_coordinates_with_the_option(workspace):
    """Masks are resampled by `lesions: fullest` or `nearest`; here both grids have the same voxels."""
    workspace.keep(*(f"h0{number}" for number in range(5)), "a00")
    workspace.prepare()
    before = workspace.prepared("a00")
    workspace.forget()
    cut = AFFINE.copy()
    cut[:3, 3] = (12, -18, 0)
    workspace.edit(
        workspace.file("a00", "lesion_mask"),
        lambda a: np.pad(a[2:], ((0, 0), (3, 0), (0, 1)))[::-1],
        flipped(cut),
    )
    workspace.refuses("a00", "UB328", "22x31x21 voxels", "set `allow_other_mask_grid`")
    answer = workspace.prepare("--set", "folder.allow_other_mask_grid=true")
    assert answer.code == 0
    np.testing.assert_array_equal(workspace.prepared("a00")["lesion_mask"], before["lesion_mask"])


def flipped(affine, voxels=22):
    """The affine of the same voxels with the x axis reversed."""
    turned = affine.copy()
    turned[:3, 3] += turned[:3, 0] * (voxels - 1)
    turned[:3, 0] *= -1
    return turned


def turned(path, turn, to):
    """The same voxels at the same world coordinates, with axes in another order and direction."""
    image = nib.load(path).as_reoriented(turn)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine), to)


def all_turns():
    """The 48 orders and directions of three axes, the canonical one first."""
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((1, -1), repeat=3):
            yield np.array(list(zip(axes, flips, strict=True)))


@pytest.fixture
def slanted(workspace):
    """a00 with voxels of three sizes, so that no two axes are equal."""
    affine = np.diag([6.0, 5.5, 7.0, 1.0])
    affine[:3, 3] = (-60.25, -81.5, -55.0)
    for column in ("t2", *MASKS):
        workspace.edit(workspace.file("a00", column), lambda array: array, affine)
    return workspace


def test_f18_all_48_orientations_of_a_scan_are_prepared_to_the_same_voxels(slanted):
    rows = []
    for number, turn in enumerate(all_turns()):
        row = {"case_id": f"turn{number:02d}", "healthy": "no"}
        for column in ("t2", *MASKS):
            row[column] = f"turn{number:02d}_{column}.nii.gz"
            turned(slanted.file("a00", column), turn, slanted.data / row[column])
        rows.append(row)
    axes = {"".join(nib.aff2axcodes(nib.load(slanted.data / row["t2"]).affine)) for row in rows}
    assert len(axes) == 48
    slanted.write_rows(rows)
    assert slanted.prepare().code == 0
    first = slanted.prepared("turn00")
    assert first["lesion_mask"].any()
    for row in rows[1:]:
        for name, array in slanted.prepared(row["case_id"]).items():
            np.testing.assert_allclose(array, first[name], rtol=0, atol=1e-9, err_msg=row["case_id"])


def test_f18_metrics_of_lps_files_are_those_of_ras_files(slanted):
    assert slanted.run().code == 0
    before = [row["value"] for row in slanted.table("cases.csv")]
    slanted.runs.rename(slanted.root / "here" / "before")
    lps = orientations.axcodes2ornt("LPS")
    for row in slanted.rows():
        for path in {row[column] for column in ("t2", *MASKS)} - {""}:
            turned(slanted.data / path, lps, slanted.data / path)
    assert slanted.run().code == 0
    after = [row["value"] for row in slanted.table("cases.csv")]
    assert len(after) > 9
    for one, other in zip(before, after, strict=True):
        assert one == other or float(one) == pytest.approx(float(other), abs=1e-9)


@pytest.mark.parametrize("row", [[0, 0, 0, 0], [np.nan] * 4, [0, 6, 0, 0]], ids=["zero", "nan", "flat"])
def test_f19_an_affine_that_spans_no_volume(workspace, row):
    with_header(workspace.file("h01"), srow_x=row)
    workspace.refuses("h01", "UB325", "no usable orientation", "h01_t2.nii.gz")


def test_f20_no_orientation_at_all_is_not_guessed(workspace):
    with_header(workspace.file("h01"), sform_code=0, qform_code=0)
    workspace.refuses("h01", "UB325", "no usable orientation", "left and right are unknown", "h01_t2.nii.gz")


def test_f21_one_frame_in_four_dimensions_is_read_as_a_volume(workspace):
    workspace.keep("h00", "h01")
    workspace.prepare()
    before = workspace.prepared("h01")
    workspace.edit(workspace.file("h01"), lambda array: array[..., None])
    workspace.forget()
    answer = workspace.prepare()
    assert (answer.code, "h01_t2.nii.gz: a single frame in 4 dimensions" in answer.err) == (0, True)
    for name, array in workspace.prepared("h01").items():
        np.testing.assert_array_equal(array, before[name])


def test_f22_three_frames_are_refused_with_their_shape(workspace):
    workspace.edit(workspace.file("h01"), lambda array: np.stack([array] * 3, axis=-1))
    workspace.refuses("h01", "UB324", "(24, 28, 20, 3)", "h01_t2.nii.gz")
