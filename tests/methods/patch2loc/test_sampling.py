"""Samples pair patches with their locations and heights."""

import torch

from uad_methods.patch2loc.sampling import sample_patches, sample_strided


def test_a_patch_sample_pairs_each_patch_with_its_location_and_height() -> None:
    x, y = torch.meshgrid(torch.arange(20.0), torch.arange(10.0), indexing="ij")
    images = torch.stack([x, y])[:, None] + 1  # slice 0 encodes x, slice 1 encodes y; 0 is outside
    enough = torch.ones(2, 20, 10, dtype=torch.bool)
    rng = torch.Generator().manual_seed(2)
    sample = sample_patches(images, torch.tensor([30.0, 60.0]), enough, 5, 50, rng)
    first = sample.height == 30
    assert 0 < first.sum() < len(sample.target) == 50
    centre = sample.inputs[:, 0, 2, 2] - 1
    assert torch.allclose(sample.target[first, 0], 100 * centre[first] / 20)
    assert torch.allclose(sample.target[~first, 1], 100 * centre[~first] / 10)


def test_a_strided_sample_targets_the_pixels_of_the_network_s_grid() -> None:
    enough = torch.zeros(1, 20, 16, dtype=torch.bool)
    enough[0, 6, 9] = enough[0, 7, 9] = True
    sample = sample_strided(torch.rand(1, 1, 20, 16), torch.tensor([5.0]), enough, 8, 4, (2, 1))
    assert sample.target.tolist() == [[100 * 6 / 20, 100 * 9 / 16]]  # 7 is not 2 + 4i
    assert sample.kept.nonzero().tolist() == [[0, 1, 2]]
