import numpy as np
import pytest

from uad_bench.data.nifti.read import Grid, Volume
from uad_bench.prepare.resampling.interpolate import Weight, brain_mean, brain_spline, on_other_grid
from uad_bench.prepare.step import CaseVolumes

SHAPE = (30, 32, 28)
SOURCE = Grid(SHAPE, np.eye(4))
FINE = Grid((48, 50, 44), np.array([[0.6, 0.03, 0, 1], [0, 0.6, 0.02, 1], [0.02, 0, 0.6, 1], [0, 0, 0, 1]]))
BRAIN = ((np.indices(SHAPE) - 14.5) ** 2).sum(axis=0) < 11**2


def pattern(affine: np.ndarray, shape) -> np.ndarray:
    x, y, z = np.tensordot(affine[:3, :3], np.indices(shape), 1) + affine[:3, 3].reshape(3, 1, 1, 1)
    return (100 + 30 * np.sin(1.3 * x) * np.cos(1.1 * y) * np.sin(1.2 * z)).astype(np.float32)


def test_a_spline_follows_fine_structure_of_the_brain_closer_than_the_mean():
    image = Volume(np.where(BRAIN, pattern(np.eye(4), SHAPE), 3000).astype(np.float32), np.eye(4))
    weight = Weight.of(BRAIN.astype(np.float32), SOURCE, FINE)
    inner, truth = weight.share > 0.999, pattern(FINE.affine, FINE.shape)
    error = {
        how.__name__: np.abs(how(image, weight, FINE) - truth)[inner].mean()
        for how in (brain_mean, brain_spline)
    }
    assert error["brain_spline"] < error["brain_mean"] / 2


@pytest.mark.parametrize("how", [brain_mean, brain_spline])
def test_nothing_of_the_skull_and_nothing_where_there_is_no_brain(how):
    image = Volume(np.where(BRAIN, 100, 3000).astype(np.float32), np.eye(4))
    weight = Weight.of(BRAIN.astype(np.float32), SOURCE, FINE)
    values = how(image, weight, FINE)
    np.testing.assert_allclose(values[weight.share >= 0.01], 100, rtol=1e-4)
    assert not values[weight.share == 0].any()
    nothing = Weight(np.zeros(SHAPE, np.float32), np.zeros(FINE.shape, np.float32))
    assert not how(image, nothing, FINE).any()


def test_a_case_moves_whole_and_what_was_lost_is_counted_in_the_new_voxels():
    lesions = np.zeros(SHAPE, bool)
    lesions[2:6, 10:14, 10:14] = lesions[20:24, 20:24, 20:24] = True
    volumes = [Volume(mask, np.eye(4)) for mask in (BRAIN, lesions, ~BRAIN)]
    image = Volume(pattern(np.eye(4), SHAPE), np.eye(4))
    half = Grid(
        (12, 16, 14), np.diag([2.0, 2, 2, 1]) + np.array([[0, 0, 0, 6.5]] + [[0, 0, 0, 0.5]] * 2 + [[0] * 4])
    )
    moved = on_other_grid(CaseVolumes("c", {"t2": image}, *volumes, lost=80), lambda _: half, "linear")
    for volume in (moved.images["t2"], moved.brain_mask, moved.lesion_mask, moved.ignored):
        assert volume.grid.shape == half.shape
    assert moved.lost == 10 + 8
    assert moved.lesion_mask.array.sum() == 8
    assert (moved.brain_mask.array ^ moved.ignored.array).all()
    assert moved.figures["lesions_outside"] == 1
    healthy = on_other_grid(CaseVolumes("c", {"t2": image}, volumes[0]), lambda _: half, "bspline")
    assert (healthy.lesion_mask, healthy.lost, healthy.figures["warnings"]) == (None, 0, [])
