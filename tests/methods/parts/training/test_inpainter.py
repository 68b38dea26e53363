"""Updates of the inpainting networks."""

import pytest
import torch

from uad_bench import Context
from uad_methods.parts.networks.aot import Critic, Generator
from uad_methods.parts.training.inpainter import ADVERSARIAL, Inpainter
from uad_methods.parts.training.inpainting import (
    adversarial_loss,
    composite,
    critic_loss,
    gradient_loss,
    masked_input,
)


def random_images(n=4, channels=1):
    return torch.rand(n, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def inpainter(adversarial=True):
    torch.manual_seed(0)
    return Inpainter(Generator(1, 4), Critic(1, 4) if adversarial else None, None, lr=1e-3)


def square(n=4):
    mask = torch.zeros(n, 1, 64, 64)
    mask[:, :, 24:40, 24:40] = 1
    return mask


def test_the_inpainter_learns_constant_regions():
    one, x, mask = inpainter(), random_images(1).expand(4, -1, -1, -1) * 0.2 + 0.4, square()
    losses = [one.update(x, mask, Context()).generator.item() for _ in range(30)]
    assert losses[-1] < 0.6 * losses[0]


def test_both_losses_are_the_sum_of_their_terms():
    one, other, x, mask = inpainter(), inpainter(), random_images(), square()
    found = one.update(x, mask, Context())
    guess = other.generator(masked_input(x, mask))
    composed = composite(x, guess, mask)
    critic_term = critic_loss(other.critic(x), other.critic(composed.detach()), mask)
    assert found.critic.item() == pytest.approx(critic_term.item(), rel=1e-5)
    other._critic_step(x, composed.detach(), mask, Context())
    texture = (x - guess).abs().mean() + gradient_loss(x, guess)
    expected = texture + ADVERSARIAL * adversarial_loss(other.critic(composed), mask)
    assert found.generator.item() == pytest.approx(expected.item(), rel=1e-3)
    assert expected.item() > texture.item()


@pytest.mark.parametrize("fooling", [0.0, ADVERSARIAL])
def test_the_critic_s_output_reaches_the_generator(monkeypatch, fooling):
    """In the published code the term has no effect: it is added to a sum without gradient."""
    monkeypatch.setattr("uad_methods.parts.training.inpainter.ADVERSARIAL", 100 * fooling)
    one, other, x, mask = inpainter(), inpainter(adversarial=False), random_images(), square()
    assert torch.equal(one.generator[1].weight, other.generator[1].weight)
    for each in (one, other):
        each.update(x, mask, Context())
    same = torch.equal(one.generator[1].weight.grad, other.generator[1].weight.grad)
    assert same == (fooling == 0)


def test_the_generator_s_step_gives_the_critic_no_gradient():
    one, other, x, mask = inpainter(), inpainter(), random_images(), square()
    composed = composite(x, other.generator(masked_input(x, mask)), mask).detach()
    one.update(x, mask, Context())
    other._critic_step(x, composed, mask, Context())
    for a, b in zip(one.critic.parameters(), other.critic.parameters(), strict=True):
        assert torch.equal(a, b) and torch.equal(a.grad, b.grad)
    assert not any(p.requires_grad for p in one.critic.parameters())
