"""f-AnoGAN: Wasserstein GAN of healthy slices and an encoder; the anomaly map is the reconstruction error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.resgan import Critic, Encoder, Generator
from uad_methods.parts.training.adversarial import critic_loss, gradient_penalty
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.rmsprop import RMSprop


@dataclass
class FAnoGAN(TorchMethod):
    """Wasserstein GAN of healthy slices, then an encoder to its latent space (Schlegl et al. 2019).

    Anomaly map: the mean over modalities of |x - G(E(x))| / 2, slices in [-1, 1]. The encoder is trained on
    the reconstruction error of images and of the critic's features; the features have no spatial resolution
    and do not enter the map.

    Variant `drift`: the generator's batch statistics are updated while the encoder is trained, as in a
    published re-implementation.

    Hyper-parameters:
        side: side of the square to which slices are resized, in pixels, a multiple of 16.
        width: channels of the first level.
        code: length of the latent code.
        gan_steps, gan_lr: updates of the generator in the first phase, and the learning rate of Adam there.
        critic_steps: updates of the critic per update of the generator.
        penalty: weight of the gradient penalty.
        encoder_steps, encoder_lr: updates of the encoder in the second phase, and the learning rate of RMSprop there.
        kappa: weight of the feature term in the encoder's loss.
        drift: see the variant.
    """

    side: int = 64
    width: int = 64
    code: int = 128
    batch: int = 64
    gan_steps: int = 30_000
    critic_steps: int = 5
    gan_lr: float = 1e-4
    penalty: float = 10.0
    encoder_steps: int = 50_000
    encoder_lr: float = 5e-5
    kappa: float = 1.0
    drift: bool = False

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Schlegl et al. 2019, doi 10.1016/j.media.2019.01.010"
    version: ClassVar[int] = 2  # initialisation, batch normalisation and RMSprop as in the paper's framework
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"drift": {"drift": True}}
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 32,
        "width": 4,
        "code": 8,
        "batch": 4,
        "gan_steps": 3,
        "critic_steps": 2,
        "encoder_steps": 3,
    }

    def __post_init__(self) -> None:
        """Raise UsageError for a side that is no multiple of 16 or less than 32."""
        if self.side % 16 or self.side < 32:
            raise UsageError(f"fanogan.side is {self.side}", hint="give a multiple of 16, 32 or more")

    def build(self) -> torch.nn.ModuleDict:
        """Generator, critic and encoder for `channels_` modalities."""
        sizes = self.channels_, self.side, self.width
        return torch.nn.ModuleDict(
            {
                "generator": Generator(*sizes, self.code),
                "critic": Critic(*sizes),
                "encoder": Encoder(*sizes, self.code),
            }
        )

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train the GAN, then the encoder, on slices of `train`; the last weights are kept, as published."""
        self.begin(train, ctx)
        stack = SliceStack(train, ctx)
        self._fit_gan(stack, ctx)
        self._fit_encoder(stack, ctx)

    def _fit_gan(self, stack: SliceStack, ctx: Context) -> None:
        generator, critic, _ = self._nets
        adam = partial(torch.optim.Adam, lr=self.gan_lr, betas=(0.0, 0.9))
        for_generator, for_critic = adam(generator.parameters()), adam(critic.parameters())
        for step in ctx.steps(
            self.gan_steps,
            name="gan",
            generator=generator,
            critic=critic,
            for_generator=for_generator,
            for_critic=for_critic,
        ):
            critic.requires_grad_(True)
            for i in range(step * self.critic_steps, (step + 1) * self.critic_steps):
                loss = self._critic_loss(self._network_input(stack.batch(i, self.batch).image), ctx, i)
                descend(for_critic, loss)
            critic.requires_grad_(False)
            with ctx.autocast():
                fake = generator(self._random_codes(ctx.torch_rng("codes", step)))
                generator_loss = -critic(fake).float().mean()
            descend(for_generator, generator_loss)
            ctx.log(loss=loss, generator=generator_loss)

    def _critic_loss(self, real: torch.Tensor, ctx: Context, key: int) -> torch.Tensor:
        generator, critic, _ = self._nets
        rng = ctx.torch_rng("critic", key)
        with ctx.autocast():
            with torch.no_grad():
                fake = generator(self._random_codes(rng))
            loss = critic_loss(critic(real), critic(fake))
        return loss + self.penalty * gradient_penalty(critic, real, fake, rng)

    def _fit_encoder(self, stack: SliceStack, ctx: Context) -> None:
        """Train the encoder; generator and critic are frozen, and gradients pass through them."""
        generator, critic, encoder = self._nets
        generator.requires_grad_(False).train(self.drift)
        critic.requires_grad_(False).eval()
        opt = RMSprop(encoder.parameters(), self.encoder_lr)
        for step in ctx.steps(
            self.encoder_steps, name="encoder", generator=generator, encoder=encoder, opt=opt
        ):
            real = self._network_input(stack.batch(step, self.batch).image)
            with ctx.autocast():
                fake = generator(encoder(real))
                features, target = critic.features(fake), critic.features(real)
            loss = _mean_squared_error(fake, real) + self.kappa * _mean_squared_error(features, target)
            ctx.log(loss=loss)
            descend(opt, loss)

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Residual (X, Y, Z) on the scan's scale, at least 0, higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._residual)

    def _residual(self, batch: Batch) -> torch.Tensor:
        generator, _, encoder = self._nets
        real = self._network_input(batch.image)
        error = (real - generator(encoder(real))).abs().mean(dim=1) / 2
        x, y = batch.image.shape[-2:]
        return from_square(error, (x, y)) * batch.brain

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Generated slices G(E(x)) on the scan's grid and scale, one component per modality."""
        return reconstruction(self, scan, ctx, self._reconstruct)

    def _reconstruct(self, batch: Batch) -> torch.Tensor:
        """G(E(x)) in [0, 1], (n, C, X, Y)."""
        generator, _, encoder = self._nets
        x, y = batch.image.shape[-2:]
        generated = (generator(encoder(self._network_input(batch.image))) + 1) / 2
        return from_square(generated.flatten(0, 1), (x, y)).view(*generated.shape[:2], x, y)

    def _network_input(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, X, Y) in [0, 1] as the networks receive them: square, in [-1, 1]."""
        return 2 * to_square(images, self.side) - 1

    def _random_codes(self, rng: torch.Generator) -> torch.Tensor:
        return torch.randn((self.batch, self.code), generator=rng, device=rng.device)

    @property
    def _nets(self) -> tuple[Generator, Critic, Encoder]:
        assert isinstance(self.net_, torch.nn.ModuleDict)
        generator, critic, encoder = (self.net_[name] for name in ("generator", "critic", "encoder"))
        assert (
            isinstance(generator, Generator) and isinstance(critic, Critic) and isinstance(encoder, Encoder)
        )
        return generator, critic, encoder


def _mean_squared_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return ((a.float() - b.float()) ** 2).mean()
