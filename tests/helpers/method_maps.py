"""What the maps of several methods have in common. `fitted(scans, **parameters)` is a method trained on toy scans."""

from dataclasses import replace

import numpy as np
import torch

from uad_bench import Context, SliceStack
from uad_bench.testing import toy_scans
from uad_methods.parts.batches import Batches
from uad_methods.parts.features.memory import nearest_distances
from uad_methods.parts.images.blur import gaussian_blur

ODD = (33, 21, 5)


def inside_of_an_odd_grid(fitted, modalities):
    """The scores in the brain of a new scan on a grid of odd sides, after a look at shape and background."""
    (fresh,) = toy_scans(1, modalities, shape=ODD, prefix="fresh")
    found = fitted(toy_scans(2, modalities, shape=ODD)).score(fresh, Context())
    assert found.shape == ODD and (found[~fresh.brain_mask] == 0).all()
    inside = found[fresh.brain_mask]
    assert inside.min() >= 0 and inside.any()
    return inside


def require_mean_of_modalities(method):
    """The map of two modalities is the mean of the maps of each."""
    (scan,) = toy_scans(1, ("t1", "t2"))
    alone = []
    for i, name in enumerate(scan.modalities):
        method.channels_ = 1
        alone.append(method.score(replace(scan, image=scan.image[i : i + 1], modalities=(name,)), Context()))
    method.channels_ = 2
    np.testing.assert_allclose(method.score(scan, Context()), np.mean(alone, axis=0), rtol=1e-4, atol=1e-5)


def require_independence_of_batches(method):
    """A map depends neither on the number of slices in a pass nor on the other slices of the scan."""
    (scan,) = toy_scans(1)
    whole = method.score(scan, Context())
    method._batches = Batches(3, "cpu")
    np.testing.assert_allclose(method.score(scan, Context()), whole, rtol=1e-3, atol=1e-4 * whole.max())
    upper = scan.brain_mask & (np.arange(scan.shape[2]) >= scan.shape[2] // 2)
    found = method.score(replace(scan, brain_mask=upper), Context())
    np.testing.assert_allclose(found, whole * upper, rtol=1e-3, atol=1e-4 * whole.max())
    assert found.any()


def scores_of_a_replaced_texture(method):
    """Mean scores of a square of a slice before and after a board of equal mean takes its place.

    The square is off the diagonal and scores higher than the transposed place: the map's axes are those of the slice.
    """
    (fresh,) = toy_scans(1, shape=(64, 64, 6), prefix="fresh")
    along, across = slice(34, 50), slice(14, 30)
    image, at = fresh.image.copy(), (along, across, 3)
    board = np.indices((16, 16)).sum(axis=0) // 2 % 2
    image[0][at] = image[0][at].mean() + 0.3 * (board - board.mean())
    before, after = (method.score(one, Context()) for one in (fresh, replace(fresh, image=image)))
    assert after[at].mean() > after[across, along, 3].mean()
    return before[at].mean(), after[at].mean()


def require_smoothing(method, mapped):
    """`mapped(batch)` is the map without smoothing, smoothed by `sigma`, in slices that are all brain."""
    batch = SliceStack(toy_scans(1, shape=(method.side, method.side, 4)), Context()).spread(2)
    batch.brain.fill_(True)
    method.net_.eval()
    with torch.no_grad():
        method.sigma = 0.0
        rough = mapped(batch)
        method.sigma = 2.0
        torch.testing.assert_close(mapped(batch), gaussian_blur(rough, 2.0), rtol=1e-4, atol=1e-6)


def require_cover(drawn, memory):
    """A memory has a smaller covering radius than the first, or random, of the drawn features of its number."""
    rng, n = torch.Generator().manual_seed(0), len(memory)
    others = [drawn[:n], *(drawn[torch.randperm(len(drawn), generator=rng)[:n]] for _ in range(3))]
    radius, *radii = (nearest_distances(drawn, some).max() for some in (memory, *others))
    assert radius < min(radii)
