"""The painter of PHANES: generator, critic, their optimisers, and one update of each."""

from typing import NamedTuple

import torch

from uad_bench import Context
from uad_methods.parts.networks.aot import Critic, Generator
from uad_methods.parts.networks.vgg19 import VGG19, perceptual_loss, style_loss
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.inpainting import critic_loss, filled, fooling_loss, slope_loss, with_hole

STYLE, PERCEPTUAL, FOOLING = 250.0, 0.1, 0.01  # weights beside an L1 of 1
SLOPES = 1.0  # where there is no VGG-19; ours


class Update(NamedTuple):
    """The losses of generator and critic, scalars; the critic's is 0 where there is none."""

    generator: torch.Tensor
    critic: torch.Tensor


class Painter:
    """Fills holes; Adam, a constant rate. Without `judge` the loss of texture is that of slopes."""

    def __init__(self, generator: Generator, critic: Critic | None, judge: VGG19 | None, lr: float) -> None:
        self.generator, self.critic, self.judge = generator, critic, judge
        self.for_generator = torch.optim.Adam(generator.parameters(), lr)
        self.for_critic = torch.optim.Adam(critic.parameters(), lr) if critic else None

    @property
    def state(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer]:
        """What `update` changes, for `ctx.steps`."""
        own: dict[str, torch.nn.Module | torch.optim.Optimizer | None] = {
            "generator": self.generator,
            "for_generator": self.for_generator,
            "critic": self.critic,
            "for_critic": self.for_critic,
        }
        return {name: part for name, part in own.items() if part is not None}

    def update(self, images: torch.Tensor, mask: torch.Tensor, ctx: Context) -> Update:
        """One step of the critic, then one of the generator, on pictures (n, C, X, Y) with holes (n, 1, X, Y)."""
        with ctx.autocast():
            guess = self.generator(with_hole(images, mask))
        whole = filled(images, guess, mask)
        judged = self._critic_step(images, whole.detach(), mask, ctx)
        loss = self._texture(images, guess, ctx)
        if self.critic is not None:
            with ctx.autocast():
                answer = self.critic(whole)
            loss = loss + FOOLING * fooling_loss(answer, mask)
        descend(self.for_generator, loss)
        return Update(loss, judged)

    def _critic_step(
        self, real: torch.Tensor, fake: torch.Tensor, mask: torch.Tensor, ctx: Context
    ) -> torch.Tensor:
        if self.critic is None or self.for_critic is None:
            return torch.zeros((), device=real.device)
        self.critic.requires_grad_(True)
        with ctx.autocast():
            answers = self.critic(real), self.critic(fake)
        loss = critic_loss(*answers, mask)
        descend(self.for_critic, loss)
        self.critic.requires_grad_(False)
        return loss

    def _texture(self, images: torch.Tensor, guess: torch.Tensor, ctx: Context) -> torch.Tensor:
        """What a guess costs over the whole slice, holes and all: a scalar."""
        error = (images - guess.float()).abs().mean()
        if self.judge is None:
            return error + SLOPES * slope_loss(images, guess)
        with ctx.autocast():
            wanted, found = self.judge(images), self.judge(guess)
        return error + STYLE * style_loss(found, wanted) + PERCEPTUAL * perceptual_loss(found, wanted)
