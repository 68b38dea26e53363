import numpy as np
import pytest

from uad_bench.data.nifti.read import Volume
from uad_bench.errors import DataError, UsageError
from uad_bench.prepare.step import CaseVolumes
from uad_bench.prepare.steps.resample import Resample, centre_of_mass


def ball(radius: float, skull: float = 0.0) -> CaseVolumes:
    """A ball of value 100 around world (10, -20, 30) mm, 1 mm voxels stored LAS; outside it the value `skull`."""
    affine = np.array([[-1.0, 0, 0, 40], [0, 1, 0, -50], [0, 0, 1, 0], [0, 0, 0, 1]])
    x, y, z = np.tensordot(affine[:3, :3], np.indices((60, 60, 60)), 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    inside = (x - 10) ** 2 + (y + 20) ** 2 + (z - 30) ** 2 <= radius**2
    image = np.where(inside, 100, skull).astype(np.float32)
    return CaseVolumes("case-1", {"t2": Volume(image, affine)}, Volume(inside, affine))


def at_2_mm(**changes) -> Resample:
    return Resample(**{"spacing": (2, 2, 2), "shape": (32, 32, 32)} | changes)


def test_the_grid_stands_on_the_brain_and_the_world_stays():
    case_volumes = at_2_mm().apply(ball(20))
    mask = case_volumes.brain_mask
    assert mask.grid.axes == "RAS"
    np.testing.assert_allclose(centre_of_mass(mask), (10, -20, 30), atol=0.1)
    np.testing.assert_allclose(np.argwhere(mask.array).mean(axis=0), (15.5, 15.5, 15.5), atol=0.26)
    assert case_volumes.figures["shift_mm"] == pytest.approx([10, -20, 30], abs=0.5)
    assert mask.array.sum() * 8 == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.02)


def test_whole_voxels_are_averaged_or_copied_never_blurred():
    case_volumes = ball(20)
    noise = np.random.default_rng(0).random((60, 60, 60)).astype(np.float32) + 1
    case_volumes = CaseVolumes(
        "case-1", {"t2": Volume(noise, case_volumes.images["t2"].affine)}, case_volumes.brain_mask
    )
    same = at_2_mm(spacing=(1, 1, 1), shape=(50, 50, 50)).apply(case_volumes)
    copied = same.images["t2"].array[same.brain_mask.array]
    assert copied.size == case_volumes.brain_mask.array.sum()
    np.testing.assert_allclose(np.sort(copied), np.sort(noise[case_volumes.brain_mask.array]), rtol=1e-6)
    half = at_2_mm().apply(case_volumes)
    inner = half.images["t2"].array[12:20, 12:20, 12:20]
    first = np.linalg.solve(case_volumes.images["t2"].affine, half.brain_mask.affine @ [12, 12, 12, 1])
    x, y, z = np.floor(first[:3]).astype(int)
    block = noise[x - 14 : x + 2, y : y + 16, z : z + 16][::-1]  # stored LAS
    np.testing.assert_allclose(inner, block.reshape(8, 2, 8, 2, 8, 2).mean(axis=(1, 3, 5)), rtol=1e-5)


def test_an_explicit_centre_is_kept():
    mask = at_2_mm(centre=(4, -20, 30)).apply(ball(20)).brain_mask
    np.testing.assert_allclose(mask.affine @ [15.5, 15.5, 15.5, 1], (4, -20, 30, 1))
    np.testing.assert_allclose(centre_of_mass(mask), (10, -20, 30), atol=0.1)


@pytest.mark.parametrize("skull", [0.0, 5000.0])
def test_neither_skull_nor_background_bleeds_into_the_rim(skull):
    case_volumes = at_2_mm().apply(ball(20, skull))
    values = case_volumes.images["t2"].array[case_volumes.brain_mask.array]
    np.testing.assert_allclose(values, 100, rtol=1e-4)


def test_modalities_on_their_own_grids_meet_on_one():
    first, second = ball(20), ball(20)
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = (-20, -50, 0)
    x, y, z = np.indices((40, 40, 40)) * 1.5 + affine[:3, 3].reshape(3, 1, 1, 1)
    image = np.where((x - 10) ** 2 + (y + 20) ** 2 + (z - 30) ** 2 <= 400, x + 50, 0).astype(np.float32)
    images = {"t1": Volume(image, affine), **second.images}
    case_volumes = at_2_mm().apply(CaseVolumes("case-1", images, first.brain_mask))
    brain = case_volumes.brain_mask
    world = brain.affine[0, 0] * np.argwhere(brain.array)[:, 0] + brain.affine[0, 3] + 50
    off = np.abs(case_volumes.images["t1"].array[brain.array] - world)
    assert np.median(off) < 0.1
    assert off.max() < 2  # at the rim the mean is over the part with data, whose middle lies aside
    assert brain.array.sum() == pytest.approx(at_2_mm().apply(ball(20)).brain_mask.array.sum(), rel=0.02)


def test_brain_without_support_in_every_modality_is_left_out():
    half = ball(20)
    images = {
        "t2": half.images["t2"],
        "t1": Volume(half.images["t2"].array[:, :, :30], half.images["t2"].affine),
    }
    mask = at_2_mm().apply(CaseVolumes("case-1", images, half.brain_mask)).brain_mask
    z = mask.affine[2, 2] * np.argwhere(mask.array)[:, 2] + mask.affine[2, 3]
    assert z.max() <= 31


def test_a_grid_that_is_too_small_is_reported(caplog):
    at_2_mm(shape=(12, 12, 12)).apply(ball(20))
    assert "lies outside the grid" in caplog.text
    with pytest.raises(DataError, match="contains no brain"):
        at_2_mm(centre=(500, 0, 0)).apply(ball(20))


def test_without_a_brain_mask_the_order_of_steps_is_named():
    case_volumes = ball(20)
    with pytest.raises(UsageError, match="brain_mask"):
        at_2_mm().apply(CaseVolumes("case-1", case_volumes.images))


SHEAR = np.array([[1.1, 0.15, 0, 4], [-0.12, 0.95, 0.1, -3], [0.05, -0.1, 1.2, 6], [0, 0, 0, 1]])


def moved(case_volumes: CaseVolumes, affine: np.ndarray, **changes) -> CaseVolumes:
    """The case in another world, as the step `register` leaves it."""
    return case_volumes.transformed(
        lambda v: Volume(v.array, affine @ v.affine), lambda v: Volume(v.array, affine @ v.affine), **changes
    )


def test_after_a_registration_with_shear_everything_follows_the_affines():
    case_volumes = ball(20)
    lesions = np.zeros((60, 60, 60), bool)
    lesions[24:36, 24:36, 24:36] = True
    lesions[15, 30, 30] = True
    lesion_mask = Volume(lesions, case_volumes.brain_mask.affine)
    ignored = Volume(np.roll(lesions, 6, axis=0), case_volumes.brain_mask.affine)
    case = moved(
        CaseVolumes("case-1", case_volumes.images, case_volumes.brain_mask, lesion_mask, ignored), SHEAR
    )
    result = at_2_mm(shape=(40, 40, 40)).apply(case)
    assert result.brain_mask.grid.axes == "RAS"
    np.testing.assert_allclose(centre_of_mass(result.brain_mask), SHEAR[:3] @ [10, -20, 30, 1], atol=0.3)
    growth = np.linalg.det(SHEAR[:3, :3])
    assert result.brain_mask.array.sum() * 8 == pytest.approx(
        case_volumes.brain_mask.array.sum() * growth, rel=0.02
    )
    assert result.lesion_mask.array.sum() * 8 == pytest.approx(lesions.sum() * growth, rel=0.03)
    assert (result.figures["lesions"], result.figures["lesions_vanished"]) == (2, 0)
    np.testing.assert_allclose(result.images["t2"].array[result.brain_mask.array], 100, rtol=1e-4)
    assert not (result.ignored.array & result.lesion_mask.array).any()
    assert result.ignored.array.any()


@pytest.mark.parametrize("skull", [0.0, 5000.0])
def test_splines_too_are_of_the_brain_alone_and_within_its_range(skull):
    case_volumes = at_2_mm(interpolation="bspline").apply(ball(20, skull))
    np.testing.assert_allclose(case_volumes.images["t2"].array[case_volumes.brain_mask.array], 100, rtol=1e-4)
    noise = np.random.default_rng(0).uniform(50, 150, (60, 60, 60)).astype(np.float32)
    noisy = CaseVolumes("case-1", {"t2": Volume(noise, ball(20).brain_mask.affine)}, ball(20).brain_mask)
    fine = at_2_mm(interpolation="bspline", spacing=(0.7, 0.7, 0.7), shape=(60, 60, 60), centre=(10, -20, 30))
    values = fine.apply(noisy)
    values = values.images["t2"].array[values.brain_mask.array]
    assert values.min() >= 50
    assert values.max() <= 150
    assert values.std() > at_fine_linear(noisy) * 1.1


def at_fine_linear(case_volumes: CaseVolumes) -> float:
    step = at_2_mm(spacing=(0.7, 0.7, 0.7), shape=(60, 60, 60), centre=(10, -20, 30))
    result = step.apply(case_volumes)
    return float(result.images["t2"].array[result.brain_mask.array].std())


def test_the_coverage_of_each_modality_is_reported(caplog):
    whole = ball(20)
    affine = whole.images["t2"].affine
    images = {
        "t2": whole.images["t2"],
        "t1": Volume(whole.images["t2"].array[:, :, :40], affine),
        "flair": Volume(np.where(np.arange(60) < 25, whole.images["t2"].array, 0), affine),
    }
    figures = at_2_mm().apply(CaseVolumes("case-1", images, whole.brain_mask)).figures
    brain = whole.brain_mask.array
    assert figures["coverage"] == {
        "t2": 1.0,
        "t1": pytest.approx(brain[:, :, :40].sum() / brain.sum(), abs=1e-3),
        "flair": pytest.approx(brain[:, :, :25].sum() / brain.sum(), abs=1e-3),
    }
    assert [sentence for sentence in figures["warnings"] if "in t1" in sentence or "in flair" in sentence]
    assert "of the brain has data in flair" in caplog.text


def test_nearest_lesions_are_the_papers_option_and_earlier_losses_are_carried_on():
    lesions = np.zeros((60, 60, 60), bool)
    lesions[24:36, 24:36, 24:36] = True
    lesions[20, 30, 30] = lesions[40, 30, 41] = lesions[30, 41, 40] = lesions[30, 20, 19] = True
    case_volumes = ball(20)
    case = CaseVolumes(
        "c",
        case_volumes.images,
        case_volumes.brain_mask,
        Volume(lesions, case_volumes.brain_mask.affine),
        lost=16,
    )
    full, near = at_2_mm().apply(case), at_2_mm(lesions="nearest").apply(case)
    assert full.lost == near.lost == 2
    assert full.figures["lesions_vanished"] == 0
    assert near.figures["lesions_vanished"] > 0
    with pytest.raises(ValueError, match="fullest"):
        at_2_mm(lesions="linear")
