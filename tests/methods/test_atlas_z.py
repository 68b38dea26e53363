"""Atlas-z against numpy on the stacked scans."""

from dataclasses import replace

import numpy as np
import pytest

from uad_bench import Context
from uad_bench.errors import DataError
from uad_bench.testing import toy_scans
from uad_methods.atlas_z import AtlasZ


def test_equals_numpy_over_the_stacked_scans():
    *train, scan = toy_scans(6, ("t1", "t2"))
    stack = np.stack([s.image.astype(np.float64) for s in train])
    brain = np.any([s.brain_mask for s in train], axis=0)
    sd = stack.std(axis=0, ddof=1)
    floor = 0.5 * sd[:, brain].mean(axis=1)
    expected = (np.abs(scan.image - stack.mean(axis=0)) / (sd + floor[:, None, None, None])).mean(axis=0)
    method = AtlasZ(floor=0.5)
    method.fit(train, [], Context())
    found, known = method.score(scan, Context()), scan.brain_mask & brain
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-5, atol=1e-5)
    assert (found[~known] == 0).all()


def test_a_voxel_that_no_training_brain_covers_is_not_anomalous():
    *train, scan = toy_scans(4)
    wide = replace(scan, image=np.ones_like(scan.image), brain_mask=np.ones(scan.shape, bool))
    method = AtlasZ()
    method.fit(train, [], Context())
    found = method.score(wide, Context())
    assert found[0, 0, 0] == 0
    assert found[8, 16, 4] > 0


def test_does_not_depend_on_the_intensity_scale():
    *train, scan = toy_scans(5)
    maps = []
    for factor in (1, 1000):
        scaled = [replace(s, image=s.image * np.float32(factor)) for s in (*train, scan)]
        method = AtlasZ()
        method.fit(scaled[:-1], [], Context())
        maps.append(method.score(scaled[-1], Context()))
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-3, atol=1e-3)


def test_healthy_scans_that_all_agree_give_zero_not_nan():
    same = toy_scans(1) * 3
    method = AtlasZ()
    method.fit(same, [], Context())
    assert (method.score(same[0], Context()) == 0).all()


def test_one_scan_has_no_deviation():
    with pytest.raises(DataError, match="two or more"):
        AtlasZ().fit(toy_scans(1), [], Context())
