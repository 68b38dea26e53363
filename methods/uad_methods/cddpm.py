"""cDDPM: diffusion model conditioned on an encoder embedding of the input slice."""

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
    """Diffusion model whose denoiser is conditioned on one vector of the clean slice (Behrendt et al. 2025).

    A ResNet-50 maps the clean slice to a vector, too small to represent a lesion, that modulates every block
    of the U-Net; both are trained together. Anomaly map: the mean over modalities of |x - x_hat|, where x_hat
    is the mean of the restorations from the timesteps `starts`, one denoising pass each.

    The published results start from an encoder with masked pretraining on the same training slices; that is
    the variant `pretrained`. In the variants `slice-noise` and `pretrained-slice-noise` each slice has its own
    noise field instead of one field for a whole batch or volume.

    Hyper-parameters, in addition to those of `Denoising`:
        starts: timesteps at test time, counted from 1.
        encoder_width, encoder_blocks: of the ResNet; 64 and (3, 4, 6, 3) give a ResNet-50.
        drop: stochastic depth of the last block of the ResNet, rising linearly from 0 at the first.
        vary: augment the intensities of training slices (gamma, bias field, blur, ghosting).
        pretrained: masked pretraining of the encoder.
        masked_steps, masked_lr: steps of that pretraining, and the learning rate of AdamW there.
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
    version: ClassVar[int] = 2  # as ddpm; initialisation of the encoder and of the decoder in pretraining
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pretrained": {"pretrained": True, "fields": "batch"},
        "slice-noise": {"pretrained": False, "fields": "slice"},
        "pretrained-slice-noise": {"pretrained": True, "fields": "slice"},
    }
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
        """Raise UsageError for timesteps out of range or an encoder that cannot be built."""
        super().__post_init__()
        if not self.starts or not all(1 <= start <= TIMESTEPS for start in self.starts):
            raise UsageError(f"cddpm.starts is {self.starts}", hint=f"give timesteps from 1 to {TIMESTEPS}")
        if len(set(self.starts)) < len(self.starts):
            raise UsageError(
                f"cddpm.starts is {self.starts}",
                hint="give each timestep once: repeated ones have the same noise",
            )
        if self.encoder_width % 4 or self.encoder_width < 4:
            raise UsageError(f"cddpm.encoder_width is {self.encoder_width}", hint="give a multiple of 4")
        if len(self.encoder_blocks) != 4 or min(self.encoder_blocks) < 1:
            raise UsageError(
                f"cddpm.encoder_blocks is {self.encoder_blocks}", hint="give four numbers, each 1 or more"
            )

    def build(self) -> "Conditioned":
        """Encoder and denoiser: 24,550,848 and 44,068,481 weights for one modality."""
        features = 4 * self.widths[0]
        encoder = ResNet50(
            self.channels_, features, self.encoder_width, tuple(self.encoder_blocks), self.drop
        )
        return Conditioned(encoder, self.unet(scale_shift=True, condition=features))

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the weights with the lowest denoising loss on slices of `val`."""
        x, y, _ = train[0].spacing
        self._spacing = x, y
        super().fit(train, val, ctx)

    def pretrain(self, stack: SliceStack, ctx: Context) -> None:
        """Masked pretraining of the encoder, except for its last layer, if `pretrained` is set."""
        if not self.pretrained:
            return
        encoder = self._net.encoder
        rebuilder = HierarchicalDecoder(self.channels_, self.encoder_width).to(ctx.device)
        # The encoder's last layer gets no gradient and stays unchanged.
        parameters = [*encoder.parameters(), *rebuilder.parameters()]
        opt = torch.optim.AdamW(parameters, self.masked_lr, (0.9, 0.95), weight_decay=0.05)
        for step in ctx.steps(
            self.masked_steps, name="masked", encoder=encoder, rebuilder=rebuilder, opt=opt
        ):
            slices = self.network_input(self.training_batch(stack, step, ctx).image)
            images = pad_to_cells(to_unit_range(slices))
            keep = random_cells(images, ctx.torch_rng("cells", step))
            with ctx.autocast():
                prediction = reconstruct(encoder, rebuilder, images, keep)
            loss = reconstruction_loss(prediction, images, keep)
            ctx.log(loss=loss)
            descend(opt, loss)

    def augment(self, batch: Batch, step: int, ctx: Context) -> torch.Tensor:
        """Images of the batch (n, C, X, Y) with augmented intensities if `vary` is set."""
        if not self.vary:
            return batch.image
        height = 2 * batch.z / max(1, self.shape_[2] - 1) - 1
        return augment_intensity(batch.image, height, self._spacing, ctx.torch_rng("intensity", step))

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Mean of |f(x_t, t, c(x_0)) - x_0| over all pixels, t uniform: a scalar."""
        t = timesteps(len(clean), TIMESTEPS, key, ctx)
        noised = diffusion.q_sample(clean, self.training_noise(clean, key, ctx), t, ALPHA_BAR)
        with ctx.autocast(on_cpu=True):
            prediction: torch.Tensor = net(noised, t, clean)
        return (prediction.float() - clean).abs().mean()

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """Mean of the restorations (n, C, X, Y) from each timestep of `starts`, each with new noise and in one pass."""
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
    """Denoiser and encoder of the clean slice."""

    def __init__(self, encoder: ResNet50, denoiser: DiffusionUNet) -> None:
        super().__init__()
        self.encoder, self.denoiser = encoder, denoiser

    def forward(self, noised: torch.Tensor, t: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Restored slices from noised and clean slices (n, C, X, Y) in [-1, 1] and timesteps (n,)."""
        # For a convolution of stride 2 on a map of one pixel, torch 2.13 leaves bf16 weight gradients uninitialised
        # on CPUs.
        with torch.autocast("cpu", enabled=False):
            condition = self.encoder(to_unit_range(clean))
        restored: torch.Tensor = self.denoiser(noised, t, condition)
        return restored


def to_unit_range(clean: torch.Tensor) -> torch.Tensor:
    """Slices in [-1, 1] rescaled to [0, 1], the range of the encoder's input; background becomes 0."""
    return (clean + 1) / 2
