"""Masked batch normalisation against batch normalisation of the visible positions."""

import pytest
import torch
from torch import nn

from uad_methods.parts.networks.masked_layers import masked_batch_norm, upsample_mask
from uad_methods.parts.training.masked_pretraining import random_cells


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("training", [True, False])
def test_masked_batch_norm_equals_batch_norm_of_the_visible_positions(training):
    keep = random_cells(torch.zeros(4, 1, 96, 96), seeded())
    features = torch.randn(4, 5, 6, 6, generator=seeded()) * 3 + 1
    mine, plain = nn.BatchNorm2d(5).train(training), nn.BatchNorm2d(5).train(training)
    for norm in (mine, plain):
        nn.init.uniform_(norm.weight, generator=seeded(1)), nn.init.uniform_(norm.bias, generator=seeded(2))
    where = upsample_mask(keep, features).bool()[:, 0]
    found = masked_batch_norm(mine, features, keep)
    picked = plain(features.permute(0, 2, 3, 1)[where][..., None, None])[..., 0, 0]
    torch.testing.assert_close(found.permute(0, 2, 3, 1)[where], picked, atol=1e-5, rtol=1e-5)
    assert (found.permute(0, 2, 3, 1)[~where] == 0).all()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(mine.state_dict()[name], value)
