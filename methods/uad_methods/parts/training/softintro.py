"""Soft introspection with an embedding loss (Bercea et al. 2023, MIDL): the two updates of a batch.

Encoder and decoder play against each other. The encoder gives slices cheap codes and expensive ones to what the
decoder makes; the decoder makes pictures whose codes are cheap. The embedding loss asks for equal features of a
slice and of its restoration.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from uad_bench import Context
from uad_methods.parts.networks.introvae import Code, Decoder, Encoder
from uad_methods.parts.training.descent import descend

GENERATED_WEIGHT = 1e-8  # weight of a reconstruction of what was made, in the decoder's loss


@dataclass(frozen=True)
class Weights:
    """rec: of squared errors, a sum over pixels. kl, neg: of the divergence of codes of slices and, in the
    encoder's loss, of what the decoder made. embed: of the embedding loss."""

    rec: float = 0.5
    kl: float = 1.0
    neg: float = 128.0
    embed: float = 0.005


class Update(NamedTuple):
    """The losses of encoder and decoder, scalars, and the restored slices (n, C, side, side), without gradient."""

    encoder: torch.Tensor
    decoder: torch.Tensor
    restored: torch.Tensor


class SoftIntro:
    """Encoder, decoder and their optimisers: Adam, a constant rate.

    The published schedule is stepped with the validation loss as its epoch, so that it never acts.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, weights: Weights, lr: float) -> None:
        self.encoder, self.decoder, self.weights = encoder, decoder, weights
        self.for_encoder = torch.optim.Adam(encoder.parameters(), lr)
        self.for_decoder = torch.optim.Adam(decoder.parameters(), lr)

    @property
    def state(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer]:
        """What `update` changes, for `ctx.steps`."""
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
        """Gradients pass through the other half and leave nothing in it. Both keep their batch statistics moving."""
        self.encoder.requires_grad_(half is self.encoder)
        self.decoder.requires_grad_(half is self.decoder)

    def encoder_loss(
        self, images: torch.Tensor, rng: torch.Generator, ctx: Context
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """L_E, a scalar; the codes of `images` (n, code) without gradient; the noise of the fakes (n, code).

        s (rec |x - D(z)|^2 + kl KL(x)) + 0.25 (E exp(-2 s (rec |r - D(E(r))|^2 + neg KL(r))) + the same for
        fakes) + embed L_emb, with s = 1 / side^2 and r = D(z), which is not followed back.
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
        negative_elbo = self.weights.rec * sum_of_squares(images, restored) + self.weights.kl * kl_divergence(
            real_code
        )
        generated_term = self._exp_term(restored, reconstructions[0], restored_code) + self._exp_term(
            fake, reconstructions[1], fake_code
        )
        embedding = embedding_loss(real_code.features, restored_code.features)
        loss = _scale(images) * negative_elbo.mean() + 0.25 * generated_term + self.weights.embed * embedding
        return loss, z.detach(), noise

    def _exp_term(self, generated: torch.Tensor, reconstruction: torch.Tensor, code: Code) -> torch.Tensor:
        cost = self.weights.rec * sum_of_squares(
            generated.detach(), reconstruction
        ) + self.weights.neg * kl_divergence(code)
        return torch.exp(-2 * _scale(generated) * cost).mean()

    def decoder_loss(
        self,
        images: torch.Tensor,
        code: torch.Tensor,
        noise: torch.Tensor,
        rng: torch.Generator,
        ctx: Context,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """L_D, a scalar, and the restored slices without gradient.

        s (rec |x - r|^2 + kl/2 (KL(r) + KL(f)) + 1e-8 rec/2 (|r - D(E(r))|^2 + |f - D(E(f))|^2)) of r = D(code)
        and f = D(noise). The divergence reaches the decoder through the encoder; the last two do not.
        """
        with ctx.autocast():
            restored, fake = self.decoder(code), self.decoder(noise)
            restored_code, fake_code = self.encoder(restored), self.encoder(fake)
            reconstructions = [
                self.decoder(sample_code(seen, rng).detach()) for seen in (restored_code, fake_code)
            ]
        error = sum_of_squares(images, restored)
        kl = 0.5 * self.weights.kl * (kl_divergence(restored_code) + kl_divergence(fake_code))
        reconstruction_error = sum_of_squares(restored.detach(), reconstructions[0]) + sum_of_squares(
            fake.detach(), reconstructions[1]
        )
        per_slice = self.weights.rec * (error + 0.5 * GENERATED_WEIGHT * reconstruction_error) + kl
        return _scale(images) * per_slice.mean(), restored.detach().float()


def sample_code(code: Code, rng: torch.Generator) -> torch.Tensor:
    """A code (n, code) from N(mean, exp(log_var))."""
    noise = torch.randn(code.mean.shape, generator=rng, device=code.mean.device)
    return code.mean.float() + noise * (0.5 * code.log_var.float()).exp()


def kl_divergence(code: Code) -> torch.Tensor:
    """KL(N(mean, exp(log_var)) || N(0, 1)), the sum over the code: (n,)."""
    mean, log_var = code.mean.float(), code.log_var.float()
    return 0.5 * (mean**2 + log_var.exp() - log_var - 1).sum(dim=1)


def sum_of_squares(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum over pixels of (a - b)^2, the mean over channels: (n, C, X, Y) each -> (n,).

    The mean, so that several modalities weigh against the divergence as one does.
    """
    return ((a.float() - b.float()) ** 2).mean(dim=1).flatten(1).sum(dim=1)


def embedding_loss(first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
    """The sum over levels of half the mean squared difference and 1 - cosine, the mean over slices: a scalar."""
    total = torch.zeros((), device=first[0].device)
    for a, b in zip(first, second, strict=True):
        flat_a, flat_b = a.flatten(1).float(), b.flatten(1).float()
        cosine = functional.cosine_similarity(flat_a, flat_b)
        total = total + 0.5 * ((flat_a - flat_b) ** 2).mean() + (1 - cosine).mean()
    return total


def _scale(images: torch.Tensor) -> float:
    return 1 / images.shape[-1] ** 2
