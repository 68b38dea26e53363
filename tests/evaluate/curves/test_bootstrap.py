"""Resampled values against the pooled curves of the drawn cases."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from uad_bench.evaluate.curves.bootstrap import BootstrapCase, Resampled, resamples
from uad_bench.evaluate.curves.curve import Curve

B = 60


def curves_of_cases(n=12, voxels=1000, decimals=None, seed=0):
    """Curves that differ in size, share of lesion, contrast and scale."""
    rng = np.random.default_rng(seed)
    curves = []
    for k in range(n):
        lesion = rng.random(voxels + 50 * k) < rng.uniform(0.01, 0.2)
        scores = rng.normal(size=lesion.size) * rng.uniform(0.5, 2) + rng.uniform(0, 3) * lesion
        scores = scores if decimals is None else scores.round(decimals)
        curves.append(Curve.of(scores.astype(np.float32), lesion, missed=3 * (k % 2)))
    return curves


def resampled(curves, threshold=1.0, draws=B):
    return Resampled([BootstrapCase.of(c, [threshold]) for c in curves], Curve.pool(curves).points, draws)


def drawn(curves):
    """The pooled curve of each resample."""
    for weights in resamples(len(curves), B):
        yield Curve.pool([curve for curve, times in zip(curves, weights, strict=True) for _ in range(times)])


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_every_resample_is_near_the_exact_pool_of_its_cases(decimals):
    for seed in range(4):
        curves = curves_of_cases(decimals=decimals, seed=seed)
        pools, found = list(drawn(curves)), resampled(curves)
        aps, aurocs = [pool.ap() for pool in pools], [pool.auroc() for pool in pools]
        assert np.std(aps) > 0.02
        assert found.ap() == pytest.approx(aps, abs=5e-4)
        assert found.auroc() == pytest.approx(aurocs, abs=5e-4)


TRANSFORMS = {
    "x": lambda x: x,
    "0.1 x + 1000": lambda x: 0.1 * x + 1000,
    "x + 10000": lambda x: x + 10000,
    "x - 5000": lambda x: x - 5000,
    "exp x": np.exp,
    "-1 / (x + 20)": lambda x: -1 / (x + 20),
}


def exact_ap(curves, weights):
    """By scikit-learn, from the concatenated voxels of the drawn cases; missed voxels rank last."""
    taken = [curve for curve, times in zip(curves, weights, strict=True) for _ in range(times)]
    lesion = [np.arange(c.n_brain) < c.n_found for c in taken]
    scores = np.concatenate([np.concatenate([c.positives, *c.negatives]) for c in taken])
    found = sum(c.n_found for c in taken) / sum(c.n_positive for c in taken)
    return average_precision_score(np.concatenate(lesion), scores) * found


@pytest.mark.parametrize("name", TRANSFORMS)
def test_resamples_do_not_depend_on_the_scale_of_the_map(name):
    plain = curves_of_cases(n=8, voxels=4000)
    curves = [
        Curve.from_split(
            *(TRANSFORMS[name](x.astype(np.float64)).astype(np.float32) for x in parts), c.missed
        )
        for c in plain
        for parts in [(c.positives, c.negatives[0])]
    ]
    found, unscaled = resampled(curves, draws=40), resampled(plain, draws=40)
    expected = [exact_ap(curves, weights) for weights in resamples(8, 40)]
    assert np.std(expected) > 0.02
    assert found.ap() == pytest.approx(expected, abs=5e-4)
    assert found.ap() == pytest.approx(unscaled.ap(), abs=5e-4)
    assert found.auroc() == pytest.approx(unscaled.auroc(), abs=5e-4)


def test_dice_and_prevalence_of_a_resample_are_exact():
    curves = curves_of_cases()
    pools, found = list(drawn(curves)), resampled(curves)
    assert found.dice_at(1.0) == pytest.approx([pool.dice_at(1.0) for pool in pools], rel=1e-15)
    assert found.prevalence() == pytest.approx([pool.prevalence for pool in pools], rel=1e-15)


def test_a_resample_of_cases_without_lesion_is_nan():
    lesion = np.arange(100) < 10
    scores = np.arange(100, dtype=np.float32)
    curves = [Curve.of(scores, lesion), *(Curve.of(scores, lesion & False) for _ in range(3))]
    found, none = resampled(curves), resamples(4, B)[:, 0] == 0
    assert none.any()
    for values in (found.ap(), found.auroc(), found.dice_at(1.0), found.prevalence()):
        assert np.array_equal(np.isnan(values), none)


def test_a_pool_whose_lesions_are_all_missed_scores_zero():
    curves = [Curve.of(np.ones(5, np.float32), np.zeros(5, bool), missed=4) for _ in range(3)]
    assert (resampled(curves).ap() == 0).all()
    assert (resampled(curves).auroc() == 0).all()


def test_resamples_are_reproducible_and_keep_the_number_of_cases():
    counts = resamples(7)
    assert counts.shape == (1000, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert np.array_equal(counts[:50], resamples(7)[:50])
    assert resamples(0).shape == (1000, 0)
