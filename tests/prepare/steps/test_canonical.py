import nibabel as nib
import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.prepare.resampling.reorient import canonical
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.canonical import Canonical

RAMP = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
AXES = ["RAS", "LPS", "LAS", "PIR", "SLA", "LIA", "ASR"]


def stored_as(axes: str) -> Volume[np.float32]:
    """RAMP, whose own axes are RAS+ with spacing 1, 2, 3 mm, stored with other axes."""
    turn = nib.orientations.axcodes2ornt(axes)
    there = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), turn)
    image = nib.Nifti1Image(RAMP, np.diag([1.0, 2.0, 3.0, 1.0])).as_reoriented(there)
    return Volume(np.asarray(image.dataobj), image.affine)


@pytest.mark.parametrize("axes", AXES)
def test_every_storage_order_gives_the_same_volume(axes):
    volume = stored_as(axes)
    assert volume.grid.axes == axes
    back = canonical(volume)
    np.testing.assert_array_equal(back.array, RAMP)
    np.testing.assert_allclose(back.affine, np.diag([1.0, 2.0, 3.0, 1.0]), atol=1e-12)
    assert back.array.flags.c_contiguous


def test_an_oblique_volume_is_turned_to_the_nearest_axes_and_stays_in_its_place():
    tilt = np.array([[0.0, -0.2, 2.9], [-0.98, 0.1, 0.3], [0.2, 1.9, 0.2]])
    affine = np.vstack([np.column_stack([tilt, [5, 6, 7]]), [0, 0, 0, 1]])
    back = canonical(Volume(RAMP, affine))
    assert back.grid.axes == "RAS"
    marked = np.argwhere(back.array == RAMP[1, 2, 3])[0]
    np.testing.assert_allclose(back.affine @ [*marked, 1], affine @ [1, 2, 3, 1])


def test_the_step_reorients_image_and_masks():
    volume = stored_as("LPS")
    mask = Volume(volume.array > 40, volume.affine)
    case_volumes = Canonical().apply(CaseVolumes("c", {"t2": volume}, mask, mask))
    np.testing.assert_array_equal(case_volumes.images["t2"].array > 40, case_volumes.brain_mask.array)
    np.testing.assert_array_equal(case_volumes.images["t2"].array > 40, case_volumes.lesion_mask.array)
    assert case_volumes.figures == {"axes_before": {"t2": "LPS"}}
