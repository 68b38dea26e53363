"""The lesion of each positive: sizes, sorting, pools."""

import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.masks import blobs, case
from uad_bench.evaluate.curves.regions import Regions


def random_case(seed, dtype=np.float32):
    """A case with ties, several lesions, and lesions partly outside the brain."""
    rng = np.random.default_rng(seed)
    truth, brain = blobs(rng, 6), blobs(rng, 2, reach=12)
    return case(rng.normal(size=truth.shape).round(1).astype(dtype), truth, brain)


def direct(scored):
    """(score, size of its lesion) of each lesion voxel in the brain, sorted."""
    labels, n = ndimage.label(scored.lesion_mask, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())
    inside = scored.lesion_mask & scored.brain_mask
    return sorted(zip(scored.map[inside].tolist(), sizes[labels[inside]].tolist(), strict=True)), n


def test_positives_are_sorted_with_the_size_of_their_lesion():
    for seed in range(20):
        scored = random_case(seed)
        regions, positives = Regions.of_case(scored)
        expected, n = direct(scored)
        assert list(zip(positives.tolist(), regions.sizes.tolist(), strict=True)) == expected
        assert (regions.n, positives.dtype) == (n, np.float32)


def test_a_pool_has_the_lesions_of_all_cases_in_any_order():
    members = [Regions.of_case(random_case(seed)) for seed in range(4)]
    regions, positives = Regions.pool([one for one, _ in members], [scores for _, scores in members])
    expected = sorted(pair for seed in range(4) for pair in direct(random_case(seed))[0])
    assert list(zip(positives.tolist(), regions.sizes.tolist(), strict=True)) == expected
    assert regions.n == sum(one.n for one, _ in members)
    turned = Regions.pool([one for one, _ in members[::-1]], [scores for _, scores in members[::-1]])
    assert np.array_equal(turned[0].sizes, regions.sizes)
    assert np.array_equal(turned[1], positives)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_are_sorted_in_the_same_way(dtype):
    rng = np.random.default_rng(0)
    sizes, scores = rng.integers(1, 9, 50).astype(np.uint32), rng.integers(-3, 3, 50)
    one, other = (Regions.pool([Regions(sizes, 5)], [scores.astype(d)]) for d in (dtype, np.float32))
    assert np.array_equal(one[0].sizes, other[0].sizes)
    assert np.array_equal(one[1], other[1])
    assert one[1].dtype == dtype


def test_a_lesion_outside_the_brain_counts_and_has_no_positive():
    truth = np.zeros((4, 4, 4), bool)
    truth[0, 0, 0] = truth[3, 3, 2:] = True
    brain = np.zeros_like(truth)
    brain[3] = True
    regions, positives = Regions.of_case(case(truth, truth, brain))
    assert (regions.n, regions.sizes.tolist(), positives.tolist()) == (2, [2, 2], [1, 1])


def test_a_case_without_lesion_has_no_region():
    nothing = np.zeros((3, 3, 3), bool)
    regions, positives = Regions.of_case(case(nothing, nothing))
    assert (regions.n, regions.sizes.size, positives.size) == (0, 0, 0)
