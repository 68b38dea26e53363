"""SVAE: sequence models, runs, loss, one pass per volume, resumed training."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.helpers.networks import weight_count
from uad_bench import Context, SliceStack
from uad_bench.method.loop_state import Policy
from uad_bench.testing import toy_scans
from uad_methods.parts.networks.autoencoder import Autoencoder
from uad_methods.parts.networks.sequence import whole_volumes
from uad_methods.svae import SVAE, SequenceVAE

SHAPE = (16, 24, 9)
SEQUENCE_MODELS = ("transformer", "gru")


def network(between="transformer", channels=1, *, active=True):
    torch.manual_seed(0)
    net = SequenceVAE(channels, SHAPE, 0.0, between)
    if active:
        net.loudness.data.fill_(1.0)
    return net.eval()


def run(net, images, z=None):
    z = torch.arange(len(images)) if z is None else z
    with torch.no_grad():
        return net(images, z, [len(images)]).image


@pytest.mark.parametrize(
    ("between", "count"), [("transformer", 1_526_794), ("gru", 1_329_930), ("nothing", 1_255_434)]
)
def test_the_network_has_about_as_many_weights_as_the_vae(between, count):
    net = SequenceVAE(1, (96, 96, 50), 0.1, between)
    assert weight_count(net) == count  # the VAE: 1,815,569
    if between == "transformer":
        assert weight_count(net.between.layers) == 264_960  # published: 0.26 M


def test_without_a_sequence_model_it_equals_a_vae_with_the_same_weights():
    net, vae = network("nothing").double(), Autoencoder(1, SHAPE[:2], 0.0, gaussian=True, squeeze=16).double()
    for part in ("encoder", "expand", "decoder"):
        getattr(vae, part).load_state_dict(getattr(net, part).state_dict())
    for part in ("to_mean", "to_log_sigma"):  # two consecutive dense layers equal one
        first, second = net.to_code, getattr(net, part)
        getattr(vae, part).weight.data = second.weight @ first.weight
        getattr(vae, part).bias.data = second.weight @ first.bias + second.bias
    images = torch.rand(5, 1, *SHAPE[:2], dtype=torch.float64)
    seen, expected = net(images, torch.arange(5), [5]), vae.eval()(images)
    for found, wanted in zip(seen, expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("between", SEQUENCE_MODELS)
def test_a_new_network_treats_slices_independently(between):
    images, new = torch.rand(6, 1, *SHAPE[:2]), network(between, active=False)
    alone = torch.cat([run(new, images[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(run(new, images), alone)


@pytest.mark.parametrize("between", SEQUENCE_MODELS)
def test_the_order_of_the_slices_matters(between):
    images, net = torch.rand(6, 1, *SHAPE[:2]), network(between)
    back = run(net, images.flip(0)).flip(0)
    assert (back - run(net, images)).abs().max() > 1e-4


def test_the_height_of_a_slice_matters_to_the_transformer():
    images, net = torch.rand(4, 1, *SHAPE[:2]), network()
    assert not torch.allclose(run(net, images, torch.arange(4)), run(net, images, torch.arange(4) + 5))


@pytest.mark.parametrize("between", SEQUENCE_MODELS)
def test_several_runs_equal_single_runs(between):
    net, images, z = (
        network(between, 2),
        torch.rand(9, 2, *SHAPE[:2]),
        torch.tensor([2, 3, 0, 1, 2, 3, 4, 5, 6]),
    )
    with torch.no_grad():
        together = net(images, z, [2, 7]).image
    alone = torch.cat([run(net, images[:2], z[:2]), run(net, images[2:], z[2:])])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(33, 50, 6), (9, 12, 3), (80, 97, 4)])
def test_output_has_the_shape_of_the_input(shape):
    net = SequenceVAE(2, shape, 0.0, "transformer")
    assert net(torch.rand(3, 2, *shape[:2]), torch.arange(3), [1, 2]).image.shape == (3, 2, *shape[:2])


def test_the_loss_is_the_summed_error_and_the_divergence_mean_over_slices():
    method, stack = SVAE(kl=2.5), SliceStack(toy_scans(2, shape=SHAPE), Context())
    method.net_ = network()
    runs = whole_volumes(stack, 2)
    batch = stack.take(runs.slices)
    with torch.no_grad():
        loss = float(method.loss(stack, runs, Context()))
        seen = [part.double() for part in method.net_(batch.image, batch.z, runs.lengths)]
    error = np.abs(batch.image.double().numpy() - seen[0].numpy()).sum(axis=(1, 2, 3))
    kl = kl_divergence(Normal(seen[1], seen[2].exp()), Normal(0.0, 1.0)).sum(1).numpy()
    assert loss == pytest.approx((error + 2.5 * kl).mean(), rel=1e-5)


def test_a_volume_is_scored_in_one_pass():
    method, scans = SVAE(**SVAE.tiny), toy_scans(3)
    method.fit(scans, scans, Context())
    method.net_.eval().loudness.data.fill_(1.0)
    stack = SliceStack(scans[:1], Context())
    batch = stack.take(range(len(stack)))
    expected = (batch.image - run(method.net_, batch.image, batch.z)).abs().mean(1) * batch.brain
    found = method.score(scans[0], Context())
    np.testing.assert_allclose(found[..., batch.z].transpose(2, 0, 1), expected, atol=1e-6)
    assert (found[~scans[0].brain_mask] == 0).all()


@pytest.mark.parametrize("between", SEQUENCE_MODELS)
def test_training_lowers_the_loss_and_uses_the_sequence_model(between):
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    losses = []
    for steps in (1, 40):
        method, curve = SVAE(between=between, steps=steps, batch=3, window=4, lr=3e-3), []
        method.fit(train, val, Context(policy=Policy(sink=curve.append)))
        losses.append(min(entry["validation"] for entry in curve if "validation" in entry))
    assert losses[1] < 0.7 * losses[0]
    assert float(method.net_.loudness.detach()) != 0


class KilledError(Exception):
    pass


@pytest.mark.parametrize("between", SEQUENCE_MODELS)
def test_a_resumed_training_is_bit_equal_and_another_seed_differs(between, tmp_path):
    train = toy_scans(3)

    def fitted(seed=1, **policy):
        method = SVAE(**SVAE.tiny, between=between)
        method.fit(train, train, Context(seed=seed, policy=Policy(**policy)))
        return method.net_.state_dict()

    def kill(values):
        if values["step"] == 2:
            raise KilledError

    with pytest.raises(KilledError):
        fitted(folder=tmp_path, checkpoint_minutes=0, sink=kill)
    whole, resumed, other = fitted(), fitted(folder=tmp_path, resume=True), fitted(seed=2)
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
    assert not torch.equal(other["to_mean.weight"], whole["to_mean.weight"])
