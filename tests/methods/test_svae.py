"""The sequence VAE: the VAE where its slices are alone, runs of slices, order, padding, loss."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.helpers.networks import weight_count
from uad_bench import Context, SliceStack
from uad_bench.method.loop_state import Policy
from uad_bench.testing import toy_scans
from uad_methods.parts.networks.autoencoder import Autoencoder
from uad_methods.parts.networks.sequence import pad_runs, random_runs, unpad_runs, whole_volumes
from uad_methods.svae import SVAE, SequenceVAE

SHAPE = (16, 24, 9)
TALKING = ("transformer", "gru")


def network(between="transformer", channels=1, *, loud=True):
    torch.manual_seed(0)
    net = SequenceVAE(channels, SHAPE, 0.0, between)
    if loud:
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
        assert weight_count(net.between.layers) == 264_960  # the card: 0.26 M


def test_slices_alone_are_those_of_a_vae_with_the_same_weights():
    net, vae = network("nothing").double(), Autoencoder(1, SHAPE[:2], 0.0, gaussian=True, squeeze=16).double()
    for part in ("encoder", "expand", "decoder"):
        getattr(vae, part).load_state_dict(getattr(net, part).state_dict())
    for part in ("to_mean", "to_log_sigma"):  # two dense layers in a row are one
        first, second = net.to_code, getattr(net, part)
        getattr(vae, part).weight.data = second.weight @ first.weight
        getattr(vae, part).bias.data = second.weight @ first.bias + second.bias
    images = torch.rand(5, 1, *SHAPE[:2], dtype=torch.float64)
    seen, expected = net(images, torch.arange(5), [5]), vae.eval()(images)
    for found, wanted in zip(seen, expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("between", TALKING)
def test_the_network_begins_as_one_that_sees_each_slice_alone(between):
    images, quiet = torch.rand(6, 1, *SHAPE[:2]), network(between, loud=False)
    alone = torch.cat([run(quiet, images[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(run(quiet, images), alone)


@pytest.mark.parametrize("between", TALKING)
def test_the_order_of_the_slices_matters(between):
    images, net = torch.rand(6, 1, *SHAPE[:2]), network(between)
    back = run(net, images.flip(0)).flip(0)
    assert (back - run(net, images)).abs().max() > 1e-4


def test_the_height_of_a_slice_matters_to_the_transformer():
    images, net = torch.rand(4, 1, *SHAPE[:2]), network()
    assert not torch.allclose(run(net, images, torch.arange(4)), run(net, images, torch.arange(4) + 5))


@pytest.mark.parametrize("between", TALKING)
def test_runs_together_are_those_one_by_one(between):
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
def test_any_slice_comes_back_in_its_own_size(shape):
    net = SequenceVAE(2, shape, 0.0, "transformer")
    assert net(torch.rand(3, 2, *shape[:2]), torch.arange(3), [1, 2]).image.shape == (3, 2, *shape[:2])


def test_side_by_side_and_back():
    codes = torch.rand(6, 3)
    beside = pad_runs(codes, [1, 3, 2])
    assert beside.shape == (3, 3, 3)
    assert (beside[0, 1:] == 0).all()
    assert torch.equal(unpad_runs(beside, [1, 3, 2]), codes)


def test_runs_are_neighbours_in_one_volume():
    scans = toy_scans(5, shape=(16, 16, 14))
    stack, rng = SliceStack(scans, Context()), np.random.default_rng(0)
    ends = np.cumsum(stack.counts)
    for _ in range(50):
        runs = random_runs(stack, 3, 4, rng)
        pieces = np.split(runs.slices, np.cumsum(runs.lengths)[:-1])
        assert runs.lengths == [4, 4, 4]
        assert all((np.diff(piece) == 1).all() for piece in pieces)
        volumes = [np.unique(np.searchsorted(ends, piece, side="right")) for piece in pieces]
        assert sorted(len(v) for v in volumes) == [1, 1, 1]
        assert len({int(v[0]) for v in volumes}) == 3


def test_a_window_longer_than_the_volume_is_the_volume():
    stack = SliceStack(toy_scans(3), Context())
    sample_code = random_runs(stack, 3, 99, np.random.default_rng(0))
    everything = whole_volumes(stack, 3)
    assert np.array_equal(np.sort(sample_code.slices), everything.slices)
    assert np.array_equal(everything.slices, np.arange(len(stack)))
    assert everything.lengths == stack.counts
    assert sorted(sample_code.lengths) == sorted(stack.counts)


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


def test_a_volume_is_scored_in_one_pass_with_what_training_saw():
    method, scans = SVAE(**SVAE.tiny), toy_scans(3)
    method.fit(scans, scans, Context())
    method.net_.eval().loudness.data.fill_(1.0)
    stack = SliceStack(scans[:1], Context())
    batch = stack.take(range(len(stack)))
    expected = (batch.image - run(method.net_, batch.image, batch.z)).abs().mean(1) * batch.brain
    found = method.score(scans[0], Context())
    np.testing.assert_allclose(found[..., batch.z].transpose(2, 0, 1), expected, atol=1e-6)
    assert (found[~scans[0].brain_mask] == 0).all()


@pytest.mark.parametrize("between", TALKING)
def test_training_lowers_the_loss_and_is_heard(between):
    train, val = toy_scans(6), toy_scans(2, prefix="val")
    losses = []
    for steps in (1, 40):
        method, curve = SVAE(between=between, steps=steps, batch=3, window=4, lr=3e-3), []
        method.fit(train, val, Context(policy=Policy(sink=curve.append)))
        losses.append(min(entry["validation"] for entry in curve if "validation" in entry))
    assert losses[1] < 0.7 * losses[0]
    assert float(method.net_.loudness.detach()) != 0


@pytest.mark.parametrize("between", TALKING)
def test_training_in_bf16_keeps_float32_weights(between):
    method, scans = SVAE(**SVAE.tiny, between=between), toy_scans(2)
    method.fit(scans, scans, Context(precision="bf16"))
    assert torch.bfloat16 not in {value.dtype for value in method.net_.state_dict().values()}
    assert np.isfinite(method.score(scans[0], Context())).all()


class KilledError(Exception):
    pass


@pytest.mark.parametrize("between", TALKING)
def test_a_resumed_training_is_bit_equal_and_another_seed_another(between, tmp_path):
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
