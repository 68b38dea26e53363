"""The scores around a brain are those of scipy's feature transform, also where two brain voxels are equally near."""

import numpy as np
import pytest
from scipy import ndimage

from uad_bench.evaluate.grid.nearest import filled_around


def by_scipy(volume, mask, axes):
    apart = 1 if axes == 3 else sum(mask.shape[:2])
    nearest = ndimage.distance_transform_edt(
        ~mask, sampling=(1, 1, apart), return_distances=False, return_indices=True
    )
    return volume[tuple(nearest)]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("reach", [1, 2, 3, 8])
def test_every_voxel_that_a_window_reaches_has_the_score_of_scipys_nearest_voxel(reach, axes):
    rng = np.random.default_rng(reach)
    for _ in range(30):
        mask = rng.random(rng.integers(1, 13, 3)) < rng.choice([0.01, 0.1, 0.5, 0.9])
        mask.ravel()[0] = True
        mask = np.pad(mask, reach)
        volume = rng.random(mask.shape).astype(np.float32)
        window = (2 * reach + 1, 2 * reach + 1, 2 * reach + 1 if axes == 3 else 1)
        reached = ndimage.binary_dilation(mask, np.ones(window, bool))
        found = filled_around(volume, mask, reach, axes)
        assert np.array_equal(found[reached], by_scipy(volume, mask, axes)[reached])
