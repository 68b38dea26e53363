"""Training of PHANES's inpainting networks: generator, critic and their optimisers."""

from typing import NamedTuple

import torch

from uad_bench import Context
from uad_methods.parts.networks.aot import Critic, Generator
from uad_methods.parts.networks.vgg19 import VGG19, perceptual_loss, style_loss
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.inpainting import (
    adversarial_loss,
    composite,
    critic_loss,
    gradient_loss,
    masked_input,
)

STYLE, PERCEPTUAL, ADVERSARIAL = 250.0, 0.1, 0.01  # weights relative to the L1 loss
GRADIENTS = 1.0  # weight of the loss of image gradients, without VGG-19; ours


class Update(NamedTuple):
    """Losses of one update, scalars; the critic's is 0 where there is no critic."""

    generator: torch.Tensor
    critic: torch.Tensor


class Inpainter:
    """Generator that fills masked regions, trained with Adam at a constant rate.

    Without `vgg`, an L1 loss of image gradients replaces the perceptual and style losses.
    """

    def __init__(self, generator: Generator, critic: Critic | None, vgg: VGG19 | None, lr: float) -> None:
        self.generator, self.critic, self.vgg = generator, critic, vgg
        self.for_generator = torch.optim.Adam(generator.parameters(), lr)
        self.for_critic = torch.optim.Adam(critic.parameters(), lr) if critic else None

    @property
    def state(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer]:
        """Modules and optimisers that `update` changes, for `ctx.steps`."""
        own: dict[str, torch.nn.Module | torch.optim.Optimizer | None] = {
            "generator": self.generator,
            "for_generator": self.for_generator,
            "critic": self.critic,
            "for_critic": self.for_critic,
        }
        return {name: part for name, part in own.items() if part is not None}

    def update(self, images: torch.Tensor, mask: torch.Tensor, ctx: Context) -> Update:
        """One step of the critic, then one of the generator, on images (n, C, X, Y) with masks (n, 1, X, Y)."""
        with ctx.autocast():
            output = self.generator(masked_input(images, mask))
        filled = composite(images, output, mask)
        critic_loss_ = self._critic_step(images, filled.detach(), mask, ctx)
        loss = self._reconstruction_loss(images, output, ctx)
        if self.critic is not None:
            with ctx.autocast():
                critic_output = self.critic(filled)
            loss = loss + ADVERSARIAL * adversarial_loss(critic_output, mask)
        descend(self.for_generator, loss)
        return Update(loss, critic_loss_)

    def _critic_step(
        self, real: torch.Tensor, fake: torch.Tensor, mask: torch.Tensor, ctx: Context
    ) -> torch.Tensor:
        if self.critic is None or self.for_critic is None:
            return torch.zeros((), device=real.device)
        self.critic.requires_grad_(True)
        with ctx.autocast():
            critic_outputs = self.critic(real), self.critic(fake)
        loss = critic_loss(*critic_outputs, mask)
        descend(self.for_critic, loss)
        self.critic.requires_grad_(False)
        return loss

    def _reconstruction_loss(self, images: torch.Tensor, output: torch.Tensor, ctx: Context) -> torch.Tensor:
        """L1 and texture losses over the whole slice, inside and outside the mask: a scalar."""
        error = (images - output.float()).abs().mean()
        if self.vgg is None:
            return error + GRADIENTS * gradient_loss(images, output)
        with ctx.autocast():
            target, features = self.vgg(images), self.vgg(output)
        return error + STYLE * style_loss(features, target) + PERCEPTUAL * perceptual_loss(features, target)
