"""cDDPM: the diffusion baseline, told what the scan's intensities look like by one vector of the clean slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from uad_bench import Context, Scan, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_methods.denoising import TIMESTEPS, Denoising, Noise
from uad_methods.parts import diffusion
from uad_methods.parts.batches import Batches
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet
from uad_methods.parts.networks.resnet50 import ResNet50
from uad_methods.parts.training.descent import descend
from uad_methods.parts.training.draws import timesteps
from uad_methods.parts.training.intensity import augment_intensity
from uad_methods.parts.training.masked_pretraining import (
    HierarchicalDecoder,
    pad_to_cells,
    random_cells,
    reconstruct,
    reconstruction_loss,
)

ALPHA_BAR = diffusion.cosine(TIMESTEPS)


@dataclass
class CDDPM(Denoising):
    """A ResNet-50 sums the clean slice up in a vector, too small for a lesion, that every block of the U-Net sees.

    Both are trained together. At the test a slice is restored from several timesteps, one pass each, and the mean
    is its healthy counterpart; the score is |x - x_hat|, the mean over modalities. The published rows have an
    encoder that began with masked pretraining on the same slices: that is the variant pretrained.

    starts: timesteps of the test, counted from 1. encoder_width, encoder_blocks: of the ResNet; 64 and (3, 4, 6, 3)
    make a ResNet-50. drop: stochastic depth of its last block. vary: change the intensities of training slices
    (gamma, bias field, blur, ghosting). pretrained: the encoder first learns to fill in hidden cells, for
    `masked_steps` of AdamW with the rate `masked_lr`.
    """

    steps: int = 14_400
    starts: tuple[int, ...] = (250, 500, 750)
    encoder_width: int = 64
    encoder_blocks: tuple[int, ...] = (3, 4, 6, 3)
    drop: float = 0.05
    vary: bool = True
    pretrained: bool = False
    masked_steps: int = 14_400
    masked_lr: float = 1e-4

    paper: ClassVar[str] = "Behrendt et al. 2025, doi 10.1016/j.compbiomed.2025.109660, arXiv 2312.04215"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"pretrained": {"pretrained": True}}
    tiny: ClassVar[Mapping[str, Any]] = {
        "widths": (8, 16),
        "blocks": 1,
        "groups": 4,
        "side": 16,
        "batch": 4,
        "steps": 4,
        "checked": 4,
        "encoder_width": 4,
        "encoder_blocks": (1, 1, 1, 1),
        "masked_steps": 3,
    }

    def __post_init__(self) -> None:
        """Refuse timesteps that there are not, and an encoder of which no decoder can be made."""
        super().__post_init__()
        if not self.starts or not all(1 <= start <= TIMESTEPS for start in self.starts):
            raise UsageError(f"cddpm.starts is {self.starts}", hint=f"give timesteps from 1 to {TIMESTEPS}")
        if len(set(self.starts)) < len(self.starts):
            raise UsageError(
                f"cddpm.starts is {self.starts}", hint="give each once: its noise would be the same"
            )
        if self.encoder_width % 4 or self.encoder_width < 4:
            raise UsageError(f"cddpm.encoder_width is {self.encoder_width}", hint="give a multiple of 4")
        if len(self.encoder_blocks) != 4 or min(self.encoder_blocks) < 1:
            raise UsageError(f"cddpm.encoder_blocks is {self.encoder_blocks}", hint="give four numbers")

    def build(self) -> "Conditioned":
        """Encoder and denoiser: 24,550,848 and 44,068,481 weights for one modality."""
        features = 4 * self.widths[0]
        encoder = ResNet50(
            self.channels_, features, self.encoder_width, tuple(self.encoder_blocks), self.drop
        )
        return Conditioned(encoder, self.unet(scale_shift=True, condition=features))

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the weights that see best through the noise on `val` are kept."""
        x, y, _ = train[0].spacing
        self._spacing = x, y
        super().fit(train, val, ctx)

    def pretrain(self, stack: SliceStack, ctx: Context) -> None:
        """With `pretrained`: the encoder, all but its last layer, learns to rebuild slices from a third of them."""
        if not self.pretrained:
            return
        encoder, rebuilder = (
            self._net.encoder,
            HierarchicalDecoder(self.channels_, self.encoder_width).to(ctx.device),
        )
        learning = [
            *encoder.parameters(),
            *rebuilder.parameters(),
        ]  # the last layer gets no gradient and stays
        opt = torch.optim.AdamW(learning, self.masked_lr, (0.9, 0.95), weight_decay=0.05)
        for step in ctx.steps(
            self.masked_steps, name="masked", encoder=encoder, rebuilder=rebuilder, opt=opt
        ):
            images = pad_to_cells(
                to_unit_range(self.network_input(self.training_batch(stack, step, ctx).image))
            )
            keep = random_cells(images, ctx.torch_rng("cells", step))
            with ctx.autocast():
                prediction = reconstruct(encoder, rebuilder, images, keep)
            loss = reconstruction_loss(prediction, images, keep)
            ctx.log(loss=loss)
            descend(opt, loss)

    def augment(self, batch: Batch, step: int, ctx: Context) -> torch.Tensor:
        """The images with changed intensities, each in its own way."""
        if not self.vary:
            return batch.image
        height = 2 * batch.z / max(1, self.shape_[2] - 1) - 1
        return augment_intensity(batch.image, height, self._spacing, ctx.torch_rng("intensity", step))

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Mean |f(x_t, t, c(x_0)) - x_0| over all pixels; t uniform."""
        t = timesteps(len(clean), TIMESTEPS, key, ctx)
        noised = diffusion.q_sample(clean, self.training_noise(clean, key, ctx), t, ALPHA_BAR)
        with ctx.autocast(on_cpu=True):
            prediction: torch.Tensor = net(noised, t, clean)
        return (prediction.float() - clean).abs().mean()

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """The mean of what is restored from each of `starts`, under fresh noise each, in one pass each."""
        condition = passes.run(len(clean), lambda part: self._net.encoder(to_unit_range(clean[part])))
        found = torch.zeros_like(clean)
        for start in self.starts:
            at = torch.full((len(clean),), start - 1, device=clean.device)
            noised = diffusion.q_sample(clean, noise(start - 1), at, ALPHA_BAR)
            found += self._denoise(noised, at, condition, passes)
        return found / len(self.starts)

    def _denoise(
        self,
        noised: torch.Tensor,
        at: torch.Tensor,
        condition: torch.Tensor,
        passes: Batches,
    ) -> torch.Tensor:
        denoiser = self._net.denoiser
        return passes.run(len(noised), lambda part: denoiser(noised[part], at[part], condition[part]).float())

    @property
    def _net(self) -> "Conditioned":
        assert isinstance(self.net_, Conditioned)
        return self.net_


class Conditioned(nn.Module):
    """A denoiser with an encoder of the clean slice."""

    def __init__(self, encoder: ResNet50, denoiser: DiffusionUNet) -> None:
        super().__init__()
        self.encoder, self.denoiser = encoder, denoiser

    def forward(self, noised: torch.Tensor, t: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, X, Y) in [-1, 1], noised and clean, and timesteps (n,) -> the restored slices."""
        # Of a stride of 2 on a map of one pixel, torch 2.13 leaves bf16 weight gradients uninitialised on CPUs.
        with torch.autocast("cpu", enabled=False):
            condition = self.encoder(to_unit_range(clean))
        restored: torch.Tensor = self.denoiser(noised, t, condition)
        return restored


def to_unit_range(clean: torch.Tensor) -> torch.Tensor:
    """Slices in [-1, 1] as the encoder sees them: in [0, 1], background 0."""
    return (clean + 1) / 2
