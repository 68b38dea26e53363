"""Thresh: rankings, equalisation and z-scores against scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ecdf, zscore
from sklearn.metrics import average_precision_score

from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.thresh import Thresh


def scores(scan, **parameters):
    return Thresh(**parameters).score(scan, Context())


@pytest.fixture
def scan():
    return toy_scans(1)[0]


def coarse(scan):
    """The scan with few intensities, so that there are ties."""
    return replace(scan, image=np.round(scan.image, 1))


def test_equalised_is_the_empirical_distribution_function(scan):
    tied = coarse(scan)
    values = tied.image[0][tied.brain_mask]
    expected = ecdf(values).cdf.evaluate(values)
    np.testing.assert_allclose(scores(tied)[tied.brain_mask], expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["equalised", "zscore"])
@pytest.mark.parametrize("invert", [False, True])
def test_all_modes_have_the_average_precision_of_the_raw_intensity(scan, mode, invert):
    brain = scan.brain_mask
    lesion = np.random.default_rng(0).random(int(brain.sum())) < 0.1 + 0.3 * scan.image[0][brain]
    raw = average_precision_score(lesion, (-1 if invert else 1) * scan.image[0][brain])
    found = average_precision_score(lesion, scores(scan, mode=mode, invert=invert)[brain])
    assert found == pytest.approx(raw, abs=1e-3)  # z-scores may round two neighbours to one float32


def test_zscore_equals_scipy(scan):
    found = scores(scan, mode="zscore")[scan.brain_mask]
    np.testing.assert_allclose(found, zscore(scan.image[0][scan.brain_mask]), atol=1e-4)


def test_equalised_is_invariant_to_monotonic_intensity_changes(scan):
    bent = replace(scan, image=scan.image**3)
    assert np.abs(scores(scan) - scores(bent)).max() < 1e-3


def test_modalities_have_equal_weight():
    both = toy_scans(1, ("t1", "t2"))[0]
    alone = [
        scores(replace(both, modalities=(m,), image=both.image[i : i + 1]))
        for i, m in enumerate(both.modalities)
    ]
    np.testing.assert_allclose(scores(both), np.mean(alone, axis=0), rtol=1e-6)


@pytest.mark.parametrize(("mode", "expected"), [("equalised", 1), ("raw", 1), ("zscore", 0)])
def test_a_constant_brain_has_constant_scores(scan, mode, expected):
    flat = replace(scan, image=scan.brain_mask[np.newaxis].astype(np.float32))
    assert (scores(flat, mode=mode)[scan.brain_mask] == expected).all()
