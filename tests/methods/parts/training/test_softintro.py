"""Both losses of RA against numpy in float64, and the updates of one network at a time."""

import numpy as np
import pytest
import torch

from uad_bench import Context
from uad_methods.parts.networks.introvae import Decoder, Encoder
from uad_methods.parts.training.softintro import SoftIntro, Weights, embedding_loss

SEED = 5


@pytest.fixture
def pair():
    torch.manual_seed(0)
    halves = Encoder(1, 32, 4, 8), Decoder(1, 32, 4, 8)
    return SoftIntro(*halves, Weights(), lr=1e-3)


def images():
    return torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def f64(tensor):
    return tensor.detach().double().numpy()


def kl(code):
    mean, log_var = f64(code.mean), f64(code.log_var)
    return 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def mse(a, b):
    return ((f64(a) - f64(b)) ** 2).sum(axis=(1, 2, 3))


def noise(code, rng):
    return code.mean + torch.randn(3, 8, generator=rng) * torch.exp(code.log_var / 2)


def embedded(first, second):
    total = 0
    for one, other in zip(first.features, second.features, strict=True):
        a, b = f64(one).reshape(3, -1), f64(other).reshape(3, -1)
        cosine = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
        total += 0.5 * ((a - b) ** 2).mean() + (1 - cosine).mean()
    return total


def test_the_encoder_s_loss_equals_its_definition_in_float64(pair):
    rng, x, s = torch.Generator().manual_seed(SEED), images(), 1 / 32**2
    real = pair.encoder(x)
    z, n = noise(real, rng), torch.randn(3, 8, generator=rng)
    rec, fake = pair.decoder(z), pair.decoder(n)
    again, unreal = pair.encoder(rec), pair.encoder(fake)
    echoes = pair.decoder(noise(again, rng)), pair.decoder(noise(unreal, rng))
    expected = s * (0.5 * mse(x, rec).mean() + kl(real).mean()) + 0.005 * embedded(real, again)
    for made, echo, code in ((rec, echoes[0], again), (fake, echoes[1], unreal)):
        expected += 0.25 * np.exp(-2 * s * (0.5 * mse(made, echo) + 128 * kl(code))).mean()
    found, code, same = pair.encoder_loss(x, torch.Generator().manual_seed(SEED), Context())
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(same, n) and torch.equal(code, z.detach())


def test_the_decoder_s_loss_equals_its_definition_in_float64(pair):
    rng, x = torch.Generator().manual_seed(SEED), images()
    z, n = torch.randn(3, 8, generator=rng), torch.randn(3, 8, generator=rng)
    rec, fake = pair.decoder(z), pair.decoder(n)
    again, unreal = pair.encoder(rec), pair.encoder(fake)
    echoes = [pair.decoder(noise(code, rng)) for code in (again, unreal)]
    echoed = mse(rec, echoes[0]) + mse(fake, echoes[1])
    whole = 0.5 * mse(x, rec) + 0.5 * (kl(again) + kl(unreal)) + 0.5 * 0.5 * 1e-8 * echoed
    same = torch.Generator().manual_seed(SEED)
    given = torch.randn(3, 8, generator=same), torch.randn(3, 8, generator=same)
    found, restored = pair.decoder_loss(x, *given, same, Context())
    assert found.item() == pytest.approx(whole.mean() / 32**2, rel=1e-5)
    assert torch.equal(restored, rec) and not restored.requires_grad


def test_the_embedding_loss_is_zero_for_equal_features_only():
    features = [torch.rand(3, 4, 8, 8), torch.rand(3, 8, 4, 4)]
    assert float(embedding_loss(features, features)) == pytest.approx(0, abs=1e-6)
    opposite = [-f for f in features]
    expected = sum(2 * (f**2).mean() + 2 for f in features)
    assert float(embedding_loss(features, opposite)) == pytest.approx(float(expected), rel=1e-5)


def moved(pair, half):
    """Names of the networks that one step of `half` changed, and of those that have a gradient."""
    before = {k: [p.clone() for p in getattr(pair, k).parameters()] for k in ("encoder", "decoder")}
    pair._train_only(getattr(pair, half))
    rng = torch.Generator().manual_seed(0)
    code = torch.randn(3, 8, generator=rng)
    is_encoder = half == "encoder"
    if is_encoder:
        loss, *_ = pair.encoder_loss(images(), rng, Context())
    else:
        loss, _ = pair.decoder_loss(images(), code, code, rng, Context())
    loss.backward()
    (pair.for_encoder if is_encoder else pair.for_decoder).step()
    halves = {name: list(getattr(pair, name).parameters()) for name in before}
    changed = {k for k, p in halves.items() if not all(map(torch.equal, p, before[k]))}
    return changed, {k for k, p in halves.items() if any(w.grad is not None for w in p)}


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_a_step_of_one_network_does_not_change_the_other(pair, half):
    assert moved(pair, half) == ({half}, {half})


def test_the_divergence_of_generated_images_reaches_the_decoder(pair):
    pair.weights = Weights(rec=0.0)
    pair._train_only(pair.decoder)
    code = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    pair.decoder_loss(images(), code, code, torch.Generator(), Context())[0].backward()
    assert all(p.grad.abs().sum() > 0 for p in pair.decoder[-2].parameters())
