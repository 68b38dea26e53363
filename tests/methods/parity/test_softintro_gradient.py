"""Parity 3: the gradient of RA's encoder loss against finite differences; only the re-encoded images are held fixed."""

from copy import deepcopy

import pytest
import torch
from torch.nn import functional

from uad_bench import Context
from uad_methods.parts.networks.introvae import Decoder, Encoder
from uad_methods.parts.training.softintro import SoftIntro, Weights

SEED, SIDE, CODE = 5, 32, 8
WEIGHTS = Weights(neg=0.5)  # smaller than published, so that the term under test is not negligible


@pytest.fixture
def pair(monkeypatch):
    """Networks and losses in float64: batch statistics of four values amplify the rounding of float32."""
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield SoftIntro(Encoder(1, SIDE, 4, CODE), Decoder(1, SIDE, 4, CODE), WEIGHTS, lr=1e-3)
    torch.set_default_dtype(torch.float32)


def images():
    return torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def drawn():
    """The four draws of the encoder's loss, in their order."""
    rng = torch.Generator().manual_seed(SEED)
    return [torch.randn(4, CODE, generator=rng) for _ in range(4)]


def sampled(code, noise):
    return code.mean + noise * (code.log_var / 2).exp()


def divergence(code):
    return 0.5 * (code.mean**2 + code.log_var.exp() - code.log_var - 1).sum(1)


def embedded(first, second):
    total = 0
    for a, b in zip(first.features, second.features, strict=True):
        cosine = functional.cosine_similarity(a.flatten(1), b.flatten(1))
        total = total + 0.5 * ((a - b) ** 2).mean() + (1 - cosine).mean()
    return total


class Reference:
    """The encoder's loss in float64 as a function of its weights; `fixed`: images that are not differentiated."""

    def __init__(self, pair, *, target_fixed):
        self.encoder, self.decoder = deepcopy(pair.encoder), deepcopy(pair.decoder)
        self.x, self.noise, self.target_fixed = images(), drawn(), target_fixed
        self.restored = self.decoder(sampled(self.encoder(self.x), self.noise[0])).detach()

    def loss(self):
        real, s = self.encoder(self.x), 1 / SIDE**2
        restored, fake = self.decoder(sampled(real, self.noise[0])), self.decoder(self.noise[1])
        again, unreal = self.encoder(self.restored), self.encoder(fake.detach())
        total = s * (0.5 * self.squares(self.x, restored) + divergence(real)).mean()
        target = self.restored if self.target_fixed else restored
        for made, code, noise in ((target, again, self.noise[2]), (fake, unreal, self.noise[3])):
            echo = self.decoder(sampled(code, noise))
            cost = 0.5 * self.squares(made, echo) + WEIGHTS.neg * divergence(code)
            total = total + 0.25 * torch.exp(-2 * s * cost).mean()
        return total + 0.005 * embedded(real, again)

    @staticmethod
    def squares(a, b):
        return ((a - b) ** 2).sum(dim=(1, 2, 3))

    @torch.no_grad()
    def slope(self, direction, step=1e-8):
        """Central difference along `direction`, one tensor per weight; small, because LeakyReLU has kinks."""
        values, weights = [], list(self.encoder.parameters())
        for sign in (1, -2):
            for weight, change in zip(weights, direction, strict=True):
                weight.add_(sign * step * change)
            values.append(float(self.loss()))
        for weight, change in zip(weights, direction, strict=True):
            weight.add_(step * change)
        return (values[0] - values[1]) / (2 * step)


def test_the_gradient_equals_finite_differences_and_reaches_the_target_of_the_squared_error(pair):
    whole, cut = Reference(pair, target_fixed=False), Reference(pair, target_fixed=True)
    pair._train_only(pair.encoder)
    loss, *_ = pair.encoder_loss(images(), torch.Generator().manual_seed(SEED), Context())
    gradient = torch.autograd.grad(loss, list(pair.encoder.parameters()))
    assert float(loss) == pytest.approx(float(whole.loss()), rel=1e-9)
    length = torch.sqrt(sum((one**2).sum() for one in gradient))
    direction = [one / length for one in gradient]
    assert whole.slope(direction) == pytest.approx(float(length), rel=1e-5)
    rng = torch.Generator().manual_seed(3)
    other = [torch.randn(one.shape, generator=rng) / 30 for one in gradient]
    along = float(sum((one * change).sum() for one, change in zip(gradient, other, strict=True)))
    assert whole.slope(other) == pytest.approx(along, rel=1e-5, abs=1e-6)
    assert abs(cut.slope(direction) / float(length) - 1) > 0.01  # the gradient that was taken before
