"""Masked pretraining: visible cells, their influence, and the loss."""

import pytest
import torch

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.masked_layers import upsample_mask
from uad_methods.parts.networks.resnet50 import ResNet50
from uad_methods.parts.training.masked_pretraining import (
    HierarchicalDecoder,
    pad_to_cells,
    random_cells,
    reconstruct,
    reconstruction_loss,
)


def small(channels=1):
    torch.manual_seed(0)
    return ResNet50(channels, 8, 4, (1, 2, 1, 1), drop=0.0), HierarchicalDecoder(channels, 4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_weight_counts_are_as_published():
    with torch.device("meta"):
        assert weight_count(ResNet50(1)) == 24_550_848
        filler = HierarchicalDecoder(1)
    assert weight_count(filler.grow) + weight_count(filler.out) == 10_304_913


@pytest.mark.parametrize(
    ("shape", "cells", "kept"), [((96, 96), (3, 3), 3), ((80, 96), (3, 3), 3), ((20, 24), (2, 2), 1)]
)
def test_every_image_has_the_same_number_of_visible_cells(shape, cells, kept):
    images = pad_to_cells(torch.rand(40, 2, *shape))
    keep = random_cells(images, seeded())
    assert keep.shape == (40, 1, *cells)
    assert (keep.sum(dim=(1, 2, 3)) == kept).all() and set(keep.unique().tolist()) == {0.0, 1.0}
    assert (keep.mean(dim=0) > 0.1).all() and not torch.equal(keep[0], keep[1])


def test_slices_are_padded_with_zeros_to_cells():
    images = torch.rand(1, 1, 80, 96)
    padded = pad_to_cells(images)
    assert padded.shape == (1, 1, 96, 96)
    assert torch.equal(padded[..., 8:-8, :], images) and padded[..., :8, :].abs().sum() == 0


def test_only_visible_cells_influence_the_reconstruction():
    encoder, rebuilder = small(2)
    images = torch.rand(2, 2, 96, 96, requires_grad=True)
    keep = random_cells(images, seeded())
    guess = reconstruct(encoder, rebuilder, images, keep)
    assert guess.shape == images.shape
    reach = torch.autograd.grad(guess.square().sum(), images)[0].abs().amax(dim=1, keepdim=True)
    seen = upsample_mask(keep, images).bool()
    assert (reach[~seen] == 0).all() and (reach[seen] > 0).float().mean() > 0.5


def test_the_loss_covers_masked_cells_only():
    images, guess = torch.rand(3, 2, 96, 96), torch.rand(3, 2, 96, 96)
    keep = random_cells(images, seeded())
    hidden = ~upsample_mask(keep, images).bool().expand_as(images)
    loss = reconstruction_loss(guess, images, keep)
    torch.testing.assert_close(loss, ((guess - images)[hidden] ** 2).mean())
    torch.testing.assert_close(reconstruction_loss(torch.where(hidden, guess, 7.0), images, keep), loss)
    assert hidden.float().mean() == pytest.approx(6 / 9)


def test_all_weights_but_the_last_layer_get_gradients():
    encoder, rebuilder = small()
    images = torch.rand(4, 1, 96, 96)
    keep = random_cells(images, seeded())
    reconstruction_loss(reconstruct(encoder, rebuilder, images, keep), images, keep).backward()
    silent = {name for name, p in encoder.named_parameters() if p.grad is None}
    assert silent == {"fc.weight", "fc.bias"}
    assert all(p.grad is not None for p in rebuilder.parameters())


def test_the_loss_falls():
    encoder, rebuilder = small()
    images = torch.nn.functional.interpolate(
        torch.rand(8, 1, 6, 6, generator=seeded()), (64, 64), mode="bilinear"
    )
    opt = torch.optim.AdamW([*encoder.parameters(), *rebuilder.parameters()], 3e-3)
    losses = []
    for step in range(60):
        keep = random_cells(images, seeded(step))
        loss = reconstruction_loss(reconstruct(encoder, rebuilder, images, keep), images, keep)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.detach())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
