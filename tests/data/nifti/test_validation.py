import numpy as np
import pytest

from uad_bench.data.nifti.validation import check_affine, check_ids, zero_nonfinite
from uad_bench.errors import DataError, IntegrityError
from uad_bench.types import Case


def case(case_id: str, subject_id: str = "s") -> Case:
    return Case("toy", case_id, subject_id, {}, healthy=True)


@pytest.mark.parametrize("bad", ["../x", "/etc", "a\0b", "a\nb", "", "x" * 101, ".hidden", "a b", "-x", "é"])
def test_ids_that_could_leave_their_folder(bad):
    for faulty in (case(bad), case("fine", bad)):
        with pytest.raises(IntegrityError) as caught:
            check_ids([faulty])
        assert caught.value.exit_code == 5
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("good", ["IXI002-Guys-0828", "BraTS-GLI-00001-000", "x" * 100, "p.1_2", "7"])
def test_plain_ids_pass(good):
    check_ids([case(good)])


def test_duplicate_ids_are_all_named():
    with pytest.raises(DataError, match="a, c") as caught:
        check_ids([case(name) for name in "abacc"])
    assert caught.value.exit_code == 3
    check_ids([case("a"), Case("other", "a", "s", {}, healthy=True)])


def test_nonfinite_outside_the_brain_becomes_zero_and_is_counted(caplog):
    array = np.ones((3, 3, 3), np.float32)
    array[0, 0, 0], array[0, 0, 1], array[0, 0, 2] = np.nan, np.inf, -np.inf
    brain = np.zeros((3, 3, 3), bool)
    brain[2] = True
    settled = zero_nonfinite(array, brain, "c")
    assert settled[0, 0].tolist() == [0, 0, 0]
    assert settled.sum() == 24
    assert "3 NaN or Inf" in caplog.text


def test_nonfinite_inside_the_brain_is_refused_with_its_count():
    array = np.ones((3, 3, 3), np.float32)
    array[1, 1, :2] = np.nan
    with pytest.raises(DataError, match="2 NaN or Inf voxels inside the brain"):
        zero_nonfinite(array, np.ones((3, 3, 3), bool), "c")


def test_oblique_affines_pass_flat_ones_do_not():
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]]
    check_affine(turn, "c")
    turn[:3, 1] = turn[:3, 0]
    with pytest.raises(DataError, match="orientation"):
        check_affine(turn, "c")


def test_a_voxel_in_micrometres_is_refused_before_its_grid_is_made():
    check_affine(np.diag([8.0, 8.0, 30.0, 1.0]), "c")
    with pytest.raises(DataError, match="voxels of 1e\\+03 mm") as error:
        check_affine(np.diag([940.0, 940.0, 1000.0, 1.0]), "c")
    assert error.value.code == "UB325" and "another unit" in error.value.hint


def test_a_voxel_smaller_than_any_scanners_has_the_wrong_unit_too():
    check_affine(np.diag([0.05, 0.05, 0.05, 1.0]), "c")
    with pytest.raises(DataError, match=r"voxels of 0\.002 mm"):
        check_affine(np.diag([0.002, 0.002, 0.002, 1.0]), "c")
