"""Pooling of patches against the published form: unfold, resize every element, pool adaptively twice."""

import pytest
import torch
from torch.nn import functional

from uad_methods.parts.features.patches import PatchFeatures, adaptive_means


def published(maps, patch, dims):
    """Features (n, dims, x, y) with unfolded patches."""
    size, pooled = maps[0].shape[-2:], []
    for one in maps:
        n, channels, x, y = one.shape
        cut = functional.unfold(one, patch, padding=patch // 2).view(n, channels * patch * patch, x, y)
        cut = functional.interpolate(cut, size, mode="bilinear", align_corners=False)
        pooled.append(functional.adaptive_avg_pool1d(cut.flatten(2).movedim(1, 2), dims))
    together = functional.adaptive_avg_pool1d(torch.cat(pooled, dim=2), dims)
    return together.movedim(2, 1).view(len(maps[0]), dims, *size)


@pytest.mark.parametrize(("patch", "dims"), [(3, 16), (5, 16), (3, 64), (1, 8)])
def test_features_are_the_published_ones(patch, dims):
    rng = torch.Generator().manual_seed(0)
    maps = [torch.randn((2, 6, 8, 8), generator=rng), torch.randn((2, 12, 4, 4), generator=rng)]
    found = PatchFeatures([6, 12], patch, dims)(maps)
    torch.testing.assert_close(found, published(maps, patch, dims), rtol=1e-5, atol=1e-6)


def test_a_patch_of_whole_channels_is_an_average_pool():
    one = torch.randn((1, 8, 6, 6), generator=torch.Generator().manual_seed(1))
    expected = functional.avg_pool2d(one, 5, stride=1, padding=2)
    torch.testing.assert_close(PatchFeatures([8], 5, 8)([one]), expected)


def test_windows_are_those_of_adaptive_pooling():
    values = torch.arange(46.0)
    expected = functional.adaptive_avg_pool1d(values.view(1, 1, -1), 10)[0, 0]
    torch.testing.assert_close(adaptive_means(46, 10) @ values, expected)
