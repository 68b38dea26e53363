import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError, IntegrityError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.atlas_grid import AtlasGrid
from uad_bench.prepare.steps.resample import centre_of_mass


def ball(affine: np.ndarray, shape: tuple[int, int, int], radius: float = 55) -> np.ndarray:
    world = np.tensordot(affine[:3, :3], np.indices(shape), 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    return (world**2).sum(axis=0) <= radius**2


@pytest.fixture
def atlas(write_nifti) -> str:
    """A ball of 700 ml on a grid of 3 mm, stored LPS."""
    affine = np.diag([-3.0, -3, 3, 1])
    affine[:3, 3] = (63, 66, -60)
    brain = ball(affine, (43, 45, 41))
    image = np.where(brain, 50 + 10 * np.indices(brain.shape)[2], 0).astype(np.float32)
    return str(write_nifti("atlas.nii.gz", image, affine))


def case(lesion_at: tuple[int, int, int] = (30, 30, 30), skull: float = 500) -> CaseVolumes:
    turn = np.array([[0.98, 0.17, 0], [-0.17, 0.98, 0.05], [0, -0.05, 1]])
    affine = np.vstack([np.column_stack([turn * 2, turn @ [-62.0, -62, -62]]), [0, 0, 0, 1]])
    brain = ball(affine, (64, 64, 64))
    lesions = np.zeros(brain.shape, bool)
    lesions[tuple(slice(n, n + 6) for n in lesion_at)] = True
    image = np.where(brain, 100, skull).astype(np.float32)
    return CaseVolumes(
        "case-1", {"t2": Volume(image, affine)}, Volume(brain, affine), Volume(lesions, affine)
    )


def test_everything_ends_on_the_grid_of_the_atlas_in_ras(atlas):
    case_volumes = AtlasGrid(atlas=atlas).apply(case())
    for volume in (case_volumes.images["t2"], case_volumes.brain_mask, case_volumes.lesion_mask):
        assert (volume.grid.shape, volume.grid.axes) == ((43, 45, 41), "RAS")
        np.testing.assert_allclose(
            volume.affine, [[3, 0, 0, -63], [0, 3, 0, -66], [0, 0, 3, -60], [0, 0, 0, 1]]
        )
    np.testing.assert_allclose(centre_of_mass(case_volumes.brain_mask), 0, atol=0.1)
    assert case_volumes.figures["brain_ml"] == pytest.approx([4 / 3 * np.pi * 55**3 / 1000] * 2, rel=0.02)
    assert case_volumes.lesion_mask.array.sum() * 27 == pytest.approx(6**3 * 8, rel=0.15)


def test_the_atlas_gives_the_box_and_the_step_may_give_the_spacing(atlas):
    own, finer = (AtlasGrid(atlas=atlas, spacing=size).apply(case()).brain_mask for size in (None, 2))
    assert finer.grid.spacing == pytest.approx((2, 2, 2))
    assert finer.grid.shape == (64, 68, 62)
    np.testing.assert_allclose(centre_of_mass(finer), centre_of_mass(own), atol=0.1)


def test_the_skull_is_gone_before_anything_is_interpolated(atlas):
    image = AtlasGrid(atlas=atlas).apply(case()).images["t2"].array
    assert image.max() == pytest.approx(100, rel=1e-4)


def test_lesions_off_the_grid_are_counted(atlas):
    before = case(lesion_at=(0, 30, 58))
    places = np.argwhere(before.lesion_mask.array) @ before.lesion_mask.affine[:3, :3].T
    above = ((places + before.lesion_mask.affine[:3, 3])[:, 2] > 61.5).sum()
    case_volumes = AtlasGrid(atlas=atlas).apply(before)
    assert above > 50
    assert case_volumes.lost == pytest.approx(above * 8 / 27, abs=1)


def test_an_unregistered_case_far_from_the_atlas_and_another_atlas_are_refused(atlas):
    away = np.eye(4)
    away[:3, 3] = 500
    far = case().transformed(
        lambda v: Volume(v.array, away @ v.affine), lambda v: Volume(v.array, away @ v.affine)
    )
    with pytest.raises(DataError, match="box contains no brain") as caught:
        AtlasGrid(atlas=atlas).apply(far)
    assert caught.value.code == "UB331"
    with pytest.raises(IntegrityError, match="another atlas") as refused:
        AtlasGrid(atlas=atlas, sha256="0" * 64).apply(case())
    assert refused.value.code == "UB503"
