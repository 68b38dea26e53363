"""ResNet-50 against MONAI's, its masked form against the plain one, and SparK's promises: what is hidden is unseen."""

import pytest
import torch
from torch import nn

from tests.helpers.networks import weight_count
from uad_methods.parts.networks.masked_layers import masked_batch_norm, upsample_mask
from uad_methods.parts.networks.resnet50 import Bottleneck, ResNet50
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


def test_the_networks_have_as_many_weights_as_the_card_says():
    with torch.device("meta"):
        assert weight_count(ResNet50(1)) == 24_550_848
        filler = HierarchicalDecoder(1)
    assert weight_count(filler.grow) + weight_count(filler.out) == 10_304_913


def test_the_output_is_that_of_monai_with_the_same_weights():
    nets = pytest.importorskip("monai.networks.nets")
    theirs = nets.resnet50(spatial_dims=2, n_input_channels=1, num_classes=512, conv1_t_size=7,
                           conv1_t_stride=2, bias_downsample=False).eval()  # fmt: skip
    mine, images = ResNet50(1).eval(), torch.rand(2, 1, 96, 80)
    mine.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(mine(images), theirs(images), atol=1e-5, rtol=1e-4)


def test_stochastic_depth_drops_as_often_as_it_shall_and_keeps_the_mean():
    torch.manual_seed(0)
    rates = [m.drop for m in ResNet50(1, 8, 4).modules() if isinstance(m, Bottleneck)]
    assert len(rates) == 16 and rates[0] == 0 and rates[-1] == pytest.approx(0.05)
    inner = Bottleneck(4, 1, 1, 0.25)._drop_path(torch.ones(20_000, 1, 1, 1))
    assert float((inner == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float(inner.mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("shape", "cells", "kept"), [((96, 96), (3, 3), 3), ((80, 96), (3, 3), 3), ((20, 24), (2, 2), 1)]
)
def test_so_many_cells_are_kept_of_every_image(shape, cells, kept):
    images = pad_to_cells(torch.rand(40, 2, *shape))
    keep = random_cells(images, seeded())
    assert keep.shape == (40, 1, *cells)
    assert (keep.sum(dim=(1, 2, 3)) == kept).all() and set(keep.unique().tolist()) == {0.0, 1.0}
    assert (keep.mean(dim=0) > 0.1).all() and not torch.equal(keep[0], keep[1])


def test_whole_cells_put_zeros_around_the_slice():
    images = torch.rand(1, 1, 80, 96)
    padded = pad_to_cells(images)
    assert padded.shape == (1, 1, 96, 96)
    assert torch.equal(padded[..., 8:-8, :], images) and padded[..., :8, :].abs().sum() == 0


@pytest.mark.parametrize("training", [True, False])
def test_normalisation_of_kept_positions_is_that_of_these_positions_alone(training):
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


def test_with_all_cells_kept_it_is_the_plain_network():
    images = torch.rand(3, 1, 64, 96)
    found = []
    for keep in (None, torch.ones(3, 1, 2, 3)):
        encoder, _ = small()
        found.append((encoder.train().stages(images, keep), encoder.state_dict()))
    for maps, masked in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(maps, masked, atol=1e-4, rtol=1e-4)
    for name, value in found[0][1].items():
        torch.testing.assert_close(found[1][1][name], value)


def test_what_is_hidden_reaches_nothing_and_what_is_kept_reaches_the_loss_s_guess():
    encoder, rebuilder = small(2)
    images = torch.rand(2, 2, 96, 96, requires_grad=True)
    keep = random_cells(images, seeded())
    guess = reconstruct(encoder, rebuilder, images, keep)
    assert guess.shape == images.shape
    reach = torch.autograd.grad(guess.square().sum(), images)[0].abs().amax(dim=1, keepdim=True)
    seen = upsample_mask(keep, images).bool()
    assert (reach[~seen] == 0).all() and (reach[seen] > 0).float().mean() > 0.5


def test_the_loss_is_that_of_hidden_cells_alone():
    images, guess = torch.rand(3, 2, 96, 96), torch.rand(3, 2, 96, 96)
    keep = random_cells(images, seeded())
    hidden = ~upsample_mask(keep, images).bool().expand_as(images)
    loss = reconstruction_loss(guess, images, keep)
    torch.testing.assert_close(loss, ((guess - images)[hidden] ** 2).mean())
    torch.testing.assert_close(reconstruction_loss(torch.where(hidden, guess, 7.0), images, keep), loss)
    assert hidden.float().mean() == pytest.approx(6 / 9)


def test_all_weights_but_the_last_layer_learn():
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
    for step in range(30):
        keep = random_cells(images, seeded(step))
        loss = reconstruction_loss(reconstruct(encoder, rebuilder, images, keep), images, keep)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.detach())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
