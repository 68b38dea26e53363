"""The two losses of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""

from collections.abc import Callable

import torch

Critic = Callable[[torch.Tensor], torch.Tensor]


def critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """E[D(fake)] - E[D(real)] of critic values (n,), without the penalty: a scalar."""
    return fake.float().mean() - real.float().mean()


def gradient_penalty(
    critic: Critic, real: torch.Tensor, fake: torch.Tensor, rng: torch.Generator
) -> torch.Tensor:
    """E[(|grad D| - 1)^2] at random points between real and fake images (n, C, X, Y): a scalar, in float32.

    One point per image on the line between the two; the norm is over all its pixels and channels. The critic
    must treat images separately: with batch statistics the gradient of the sum is not that of each image.
    """
    with torch.autocast(real.device.type, enabled=False):  # second derivatives are too inaccurate in bf16
        weight = torch.rand((len(real), 1, 1, 1), generator=rng, device=real.device)
        points = torch.lerp(real.float(), fake.detach().float(), weight).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        penalty: torch.Tensor = ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
        return penalty
