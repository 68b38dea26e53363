"""Soft-introspective training with an embedding loss (Bercea et al. 2023, MIDL): the two updates of a batch.

Encoder and decoder are trained adversarially, without a critic: the encoder lowers the divergence KL of the
codes of slices and raises that of generated images; the decoder lowers the divergence of what it generates.
The embedding loss makes the encoder's features of a slice and of its restoration agree.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from uad_bench import Context
from uad_methods.parts.networks.introvae import Code, Decoder, Encoder
from uad_methods.parts.training.descent import descend

GENERATED_WEIGHT = 1e-8  # relative weight of the reconstruction of generated images in the decoder's loss


@dataclass(frozen=True)
class Weights:
    """Weights of the losses.

    rec: of squared errors, summed over pixels.
    kl: of the divergence of the codes of slices.
    neg: of the divergence of the codes of generated images, in the encoder's loss.
    embed: of the embedding loss.
    """

    rec: float = 0.5
    kl: float = 1.0
    neg: float = 128.0
    embed: float = 0.005


class Update(NamedTuple):
    """Losses of encoder and decoder, scalars, and the restored slices (n, C, side, side), without gradient."""

    encoder: torch.Tensor
    decoder: torch.Tensor
    restored: torch.Tensor


class SoftIntro:
    """Encoder, decoder and their optimisers: Adam with a constant rate.

    The published learning-rate schedule is stepped with the validation loss as its epoch, so that it has no
    effect.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, weights: Weights, lr: float) -> None:
        self.encoder, self.decoder, self.weights = encoder, decoder, weights
        self.for_encoder = torch.optim.Adam(encoder.parameters(), lr)
        self.for_decoder = torch.optim.Adam(decoder.parameters(), lr)

    @property
    def state(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer]:
        """Modules and optimisers that `update` changes, for `ctx.steps`."""
        return {
            "encoder": self.encoder,
            "decoder": self.decoder,
            "for_encoder": self.for_encoder,
            "for_decoder": self.for_decoder,
        }

    def update(self, images: torch.Tensor, rng: torch.Generator, ctx: Context) -> Update:
        """One step of the encoder, then one of the decoder with the same codes and the same noise."""
        self._train_only(self.encoder)
        first, code, noise = self.encoder_loss(images, rng, ctx)
        descend(self.for_encoder, first)
        self._train_only(self.decoder)
        second, restored = self.decoder_loss(images, code, noise, rng, ctx)
        descend(self.for_decoder, second)
        return Update(first, second, restored)

    def _train_only(self, half: torch.nn.Module) -> None:
        """Freeze the other network; gradients pass through it. Both keep updating their batch statistics."""
        self.encoder.requires_grad_(half is self.encoder)
        self.decoder.requires_grad_(half is self.decoder)

    def encoder_loss(
        self, images: torch.Tensor, rng: torch.Generator, ctx: Context
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """L_E, a scalar; the codes of `images` (n, code), without gradient; the noise of the fake images (n, code).

        L_E = s (rec |x - D(z)|^2 + kl KL(x)) + 0.25 (E exp(-2 s (rec |r - D(E(r'))|^2 + neg KL(r'))) + the same
        for fake images f) + embed L_emb, with s = 1 / side^2, r = D(z), f = D(noise), and r' = r without gradient:
        only what is encoded again is detached, the target of the squared error is not.
        """
        with ctx.autocast():
            real_code = self.encoder(images)
            z = sample_code(real_code, rng)
            noise = torch.randn(z.shape, generator=rng, device=z.device)
            restored, fake = self.decoder(z), self.decoder(noise)
            restored_code, fake_code = self.encoder(restored.detach()), self.encoder(fake.detach())
            reconstructions = (
                self.decoder(sample_code(restored_code, rng)),
                self.decoder(sample_code(fake_code, rng)),
            )
        weights = self.weights
        negative_elbo = weights.rec * sum_of_squares(images, restored) + weights.kl * kl_divergence(real_code)
        generated = self._exp_term(restored, reconstructions[0], restored_code)
        generated = generated + self._exp_term(fake, reconstructions[1], fake_code)
        embedding = embedding_loss(real_code.features, restored_code.features)
        loss = _scale(images) * negative_elbo.mean() + 0.25 * generated + weights.embed * embedding
        return loss, z.detach(), noise

    def _exp_term(self, generated: torch.Tensor, reconstruction: torch.Tensor, code: Code) -> torch.Tensor:
        error = sum_of_squares(generated, reconstruction)
        cost = self.weights.rec * error + self.weights.neg * kl_divergence(code)
        return torch.exp(-2 * _scale(generated) * cost).mean()

    def decoder_loss(
        self,
        images: torch.Tensor,
        code: torch.Tensor,
        noise: torch.Tensor,
        rng: torch.Generator,
        ctx: Context,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """L_D, a scalar, and the restored slices, without gradient.

        L_D = s (rec |x - r|^2 + kl/2 (KL(r) + KL(f)) + 1e-8 rec/2 (|r - D(E(r))|^2 + |f - D(E(f))|^2)) with r
        = D(code) and f = D(noise). The divergence reaches the decoder through the encoder; the last two terms
        do not.
        """
        with ctx.autocast():
            restored, fake = self.decoder(code), self.decoder(noise)
            restored_code, fake_code = self.encoder(restored), self.encoder(fake)
            codes = [sample_code(one, rng).detach() for one in (restored_code, fake_code)]
            reconstructions = [self.decoder(one) for one in codes]
        error = sum_of_squares(images, restored)
        kl = 0.5 * self.weights.kl * (kl_divergence(restored_code) + kl_divergence(fake_code))
        pairs = zip((restored, fake), reconstructions, strict=True)
        error_restored, error_fake = (sum_of_squares(one.detach(), other) for one, other in pairs)
        per_slice = self.weights.rec * (error + 0.5 * GENERATED_WEIGHT * (error_restored + error_fake)) + kl
        return _scale(images) * per_slice.mean(), restored.detach().float()


def sample_code(code: Code, rng: torch.Generator) -> torch.Tensor:
    """Sample (n, code) from N(mean, exp(log_var))."""
    noise = torch.randn(code.mean.shape, generator=rng, device=code.mean.device)
    return code.mean.float() + noise * (0.5 * code.log_var.float()).exp()


def kl_divergence(code: Code) -> torch.Tensor:
    """KL(N(mean, exp(log_var)) || N(0, 1)), summed over the code: (n,)."""
    mean, log_var = code.mean.float(), code.log_var.float()
    return 0.5 * (mean**2 + log_var.exp() - log_var - 1).sum(dim=1)


def sum_of_squares(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(a - b)^2, summed over pixels and averaged over channels: (n, C, X, Y) each -> (n,).

    Averaged, so that the weight relative to the divergence does not depend on the number of modalities.
    """
    return ((a.float() - b.float()) ** 2).mean(dim=1).flatten(1).sum(dim=1)


def embedding_loss(first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
    """Half the mean squared difference plus 1 - cosine, summed over levels and averaged over slices: a scalar."""
    total = torch.zeros((), device=first[0].device)
    for a, b in zip(first, second, strict=True):
        flat_a, flat_b = a.flatten(1).float(), b.flatten(1).float()
        cosine = functional.cosine_similarity(flat_a, flat_b)
        total = total + 0.5 * ((flat_a - flat_b) ** 2).mean() + (1 - cosine).mean()
    return total


def _scale(images: torch.Tensor) -> float:
    return 1 / images.shape[-1] ** 2
