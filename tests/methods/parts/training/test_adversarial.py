"""Gradient penalty against finite differences, and the critic's loss."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.func import functional_call

from uad_methods.parts.networks.resgan import Critic
from uad_methods.parts.training.adversarial import critic_loss, gradient_penalty


def random_images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


def smooth_critic():
    """A smooth critic, so that finite differences converge."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(100, 1)
    )


def numeric_penalty(critic, real, fake, seed):
    """The penalty with the gradient from central differences, pixel by pixel."""
    share = torch.rand((len(real), 1, 1, 1), generator=torch.Generator().manual_seed(seed)).double()
    points, step, total = real.double() + share * (fake - real).double(), 1e-5, 0.0
    for point in points:
        slopes = []
        for i in range(point.numel()):
            bump = torch.zeros(point.numel(), dtype=torch.float64)
            bump[i] = step
            up, down = (critic((point + s * bump.view_as(point))[None]).item() for s in (1, -1))
            slopes.append((up - down) / (2 * step))
        total += (np.linalg.norm(slopes) - 1) ** 2
    return total / len(points)


def test_gradient_penalty_equals_finite_differences():
    critic, real, fake = smooth_critic(), random_images(3, 1, 5, 5), random_images(3, 1, 5, 5, seed=1)
    found = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected = numeric_penalty(critic.double(), real, fake, 4)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_the_gradient_of_the_penalty_equals_finite_differences():
    critic, real, fake = smooth_critic(), random_images(3, 1, 5, 5), random_images(3, 1, 5, 5, seed=1)
    gradient_penalty(critic, real, fake, torch.Generator().manual_seed(4)).backward()
    weights, slope = dict(critic.named_parameters()), []
    with torch.no_grad():
        for sign in (1, -1):
            moved = dict(weights)
            moved["0.weight"] = weights["0.weight"].clone()
            moved["0.weight"][0, 0, 1, 1] += sign * 1e-4
            moved = {k: v.double() for k, v in moved.items()}
            whole = partial(functional_call, critic, moved)
            slope.append(numeric_penalty(whole, real, fake, 4))
    assert float(critic[0].weight.grad[0, 0, 1, 1]) == pytest.approx((slope[0] - slope[1]) / 2e-4, rel=1e-2)


def test_a_linear_critic_has_the_penalty_of_its_weights():
    weight = random_images(1, 1, 4, 4)
    found = gradient_penalty(
        lambda x: (x * weight).sum(dim=(1, 2, 3)),
        torch.zeros(2, 1, 4, 4),
        torch.ones(2, 1, 4, 4),
        torch.Generator().manual_seed(0),
    )
    assert float(found) == pytest.approx((float(weight.norm()) - 1) ** 2, rel=1e-5)


def test_the_critic_treats_images_separately_and_prefers_real_ones():
    critic, images = Critic(1, 32, 4).train(), random_images(3, 1, 32, 32)
    alone = torch.cat([critic(image[None]) for image in images])
    torch.testing.assert_close(critic(images), alone)
    assert critic_loss(torch.tensor([2.0]), torch.tensor([0.5])) == -1.5
