import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sklearn.metrics import mutual_info_score

from tests.helpers.toy_brains import RADII, centred, pose_of, toy
from uad_bench.data.nifti.read import Image, Mask, Volume
from uad_bench.prepare.registration.initial_poses import (
    BINS,
    FLOOR,
    MARGIN,
    FixedSamples,
    Shape,
    initial_poses,
    isotropic_brain,
    mutual_information,
    nearest_rotation,
)


def test_a_brain_is_scaled_to_its_percentiles_above_the_background():
    image, mask = toy()
    brain = isotropic_brain(Volume(image.array * 700 + 100 * mask.array, image.affine), mask)
    inside = brain.share.array == 1
    assert brain.image.array[inside].min() == pytest.approx(FLOOR, abs=1e-5)
    assert brain.image.array.max() == pytest.approx(1, abs=1e-5)
    assert not brain.image.array[brain.share.array == 0].any()
    assert brain.image.grid.spacing == pytest.approx((2, 2, 2))


def test_volume_and_place_survive_thick_oblique_and_sheared_voxels():
    for affine in (centred((60, 70, 60), 3.0).affine, oblique_and_sheared()):
        _, mask = toy(affine=affine)
        brain = isotropic_brain(*toy(affine=affine))
        ml = mask.array.sum() * mask.grid.voxel_ml
        assert brain.share.array.sum() * brain.share.grid.voxel_ml == pytest.approx(ml, rel=0.01)
        np.testing.assert_allclose(brain.shape.centre, Shape.of(as_share(mask)).centre, atol=0.3)
        axes = brain.image.affine[:3, :3] / 2
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)


def oblique_and_sheared() -> np.ndarray:
    affine = pose_of((20, 10, -15)) @ np.diag([2.5, 2.0, 5.0, 1.0])
    affine[:3, 1] += 0.15 * affine[:3, 0]
    affine[:3, 3] = -affine[:3, :3] @ np.array([30, 40, 20])
    return affine


def as_share(mask: Mask) -> Image:
    return Volume(mask.array.astype(np.float32), mask.affine)


def test_the_grid_ends_where_the_field_of_view_ends():
    image, mask = toy()
    cut = Volume(image.array[:, :, 25:40], image.affine), Volume(mask.array[:, :, 25:40], image.affine)
    whole, part = isotropic_brain(image, mask), isotropic_brain(*cut)
    assert part.image.array.shape[2] * 2 <= 15 * 3
    assert whole.image.array.shape[2] * 2 >= 2 * RADII[2] + 1.5 * MARGIN


def test_larger_voxels_have_the_same_brain():
    brain = isotropic_brain(*toy())
    coarse = brain.coarser(6.0)
    assert coarse.image.grid.spacing == pytest.approx((6, 6, 6))
    assert coarse.share.array.sum() * 27 == pytest.approx(brain.share.array.sum(), rel=0.01)
    np.testing.assert_allclose(coarse.shape.centre, brain.shape.centre, atol=0.3)


def test_no_brain_and_no_contrast_are_refused():
    image, mask = toy()
    with pytest.raises(ValueError, match="no brain"):
        isotropic_brain(image, Volume(np.zeros_like(mask.array), mask.affine))
    with pytest.raises(ValueError, match="no contrast"):
        isotropic_brain(Volume(mask.array.astype(np.float32), mask.affine), mask)


def test_the_shape_turns_with_the_brain_and_is_right_handed():
    pose = pose_of((25, -40, 70), shift=(30, -20, 10))
    upright = isotropic_brain(*toy()).shape
    turned = isotropic_brain(*toy(pose, affine=centred((80, 80, 80), 3.0).affine, shape=(80, 80, 80))).shape
    np.testing.assert_allclose(turned.centre, pose[:3, :3] @ upright.centre + pose[:3, 3], atol=0.5)
    np.testing.assert_allclose(turned.spread, upright.spread, rtol=0.02)
    assert np.linalg.det(turned.axes) == pytest.approx(1)
    lengths = np.abs(np.sum(turned.axes * (pose[:3, :3] @ upright.axes), axis=0))
    assert (lengths > 0.99).all()
    assert (np.diff(turned.spread) < 0).all()


@pytest.mark.parametrize("degrees", [(0, 0, 0), (180, 0, 0), (0, 180, 0), (0, 0, 180), (95, 10, -140)])
def test_an_initial_pose_is_correct_for_any_direction_of_the_head(degrees):
    pose = pose_of(degrees, scales=(0.9, 0.9, 0.9), shift=(80, -80, 40))
    fixed = Shape(np.array([1.0, 2, 3]), np.eye(3)[:, [1, 0, 2]] * (1, 1, -1), np.array([40.0, 33, 30]))
    moving = Shape(
        pose[:3, :3] @ fixed.centre + pose[:3, 3], pose[:3, :3] / 0.9 @ fixed.axes, 0.9 * fixed.spread
    )
    found = [start for kind in initial_poses(fixed, moving).values() for start in kind.values()]
    assert min(np.abs(start - pose).max() for start in found) < 1e-9
    assert len(found) == 49
    for start in found:
        np.testing.assert_allclose(start[:3, :3] @ fixed.centre + start[:3, 3], moving.centre)
        assert np.linalg.det(start[:3, :3]) == pytest.approx(0.9**3)


def test_a_brain_with_two_equal_axes_is_never_further_than_8_degrees_from_a_start():
    fixed = Shape(np.zeros(3), np.eye(3), np.array([40.0, 30, 30]))
    for turn in range(0, 360, 5):
        right = pose_of((turn, 0, 0))[:3, :3]
        found = initial_poses(fixed, Shape(np.zeros(3), np.eye(3), fixed.spread))
        angles = [
            Rotation.from_matrix(start[:3, :3].T @ right).magnitude()
            for kind in found.values()
            for start in kind.values()
        ]
        assert np.degrees(min(angles)) < 8


def test_the_header_is_a_start_too():
    shape = Shape(np.zeros(3), pose_of((10, 20, 30))[:3, :3], np.array([40.0, 33, 30]))
    np.testing.assert_allclose(initial_poses(shape, shape)["header"]["header"], np.eye(4), atol=1e-12)


def test_the_nearest_rotation_drops_scale_and_shear():
    rotation = pose_of((10, -20, 30))[:3, :3]
    np.testing.assert_allclose(nearest_rotation(rotation @ np.diag([0.8, 1.1, 0.9])), rotation, atol=1e-12)


def test_mutual_information_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    one = rng.integers(0, BINS, 5000)
    other = np.where(rng.random(5000) < 0.4, one, rng.integers(0, BINS, 5000))
    assert mutual_information(one, other) == pytest.approx(mutual_info_score(one, other))


def test_likeness_is_greatest_at_the_true_pose_and_blind_to_the_contrast():
    fixed = isotropic_brain(*toy())
    probe = FixedSamples.of(fixed, 1.0, fixed.share.array >= 0.5)
    pose = pose_of((15, 5, -10), shift=(20, 0, -10))
    moving = isotropic_brain(*toy(pose, inverted=True)).image
    right = probe.mutual_information(moving, pose)
    for wrong in (pose_of((8, 0, 0)), pose_of(shift=(0, 6, 0)), pose_of((0, 180, 0)), pose_of((0, 0, 180))):
        assert right > 1.05 * probe.mutual_information(moving, pose @ wrong)
