"""PHANES: regions that RA flags are inpainted; the anomaly map is the difference from the inpainted slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from uad_bench import Context, Scan, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.precision import whole_float32
from uad_bench.method.slices import Batch
from uad_bench.method.transfer import sent
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.clahe import clahe
from uad_methods.parts.images.residual import absolute_error, squared_error
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.aot import SMALLEST, Critic, Generator
from uad_methods.parts.networks.vgg19 import VGG19
from uad_methods.parts.training.inpainter import Inpainter
from uad_methods.parts.training.inpainting import composite, ellipses, masked_input
from uad_methods.parts.training.softintro import SoftIntro
from uad_methods.parts.weights import load_into
from uad_methods.ra import RA

QUANTILE = 0.95  # fraction of pixels outside the inpainting mask
DILATION_SIGMA, DILATION_THRESHOLD = 1.2, 0.1  # a mask is blurred (pixels) and thresholded: a dilation
CHUNK = 16  # slices per pass where the threshold is computed


@dataclass
class PHANES(RA):
    """Inpainting of the regions that RA flags (Bercea et al. 2023, MICCAI).

    RA's map, thresholded and dilated, gives the inpainting mask; a generator fills it. Anomaly map: the mean
    over modalities of S(y, x) |x - y|, with y the inpainted slice and S a perceptual difference map; 0
    outside the mask.

    The paper's S is LPIPS, and its texture losses use VGG-19. You provide the weights: --set
    phanes.squeezenet=FILE, phanes.heads=FILE, phanes.vgg19=FILE. Variants are used where they are not
    available: `noperc` needs none, with S = (1 - SSIM) / 2 and an L1 loss of image gradients. `shipped`
    follows the published code: no critic, one threshold per slice, sampled codes.

    Hyper-parameters, in addition to those of `RA`:
        likeness: "lpips" or "ssim", what S is; it also decides on VGG-19.
        vgg19, vgg19_sha256: weight file and its digest.
        cut: threshold of RA's map, "healthy" (exceeded by 5 % of the brain of healthy validation slices) or
            "slice" (by 5 % of the pixels of each slice).
        train_cut: threshold in training; 0 for the 95 % quantile of each slice.
        adversarial: train the generator against the critic, as in the paper; in the published code the critic
            has no effect.
        painter_width: channels of the first level of generator and critic.
    """

    vgg19: str = ""
    vgg19_sha256: str = ""
    cut: Literal["healthy", "slice"] = "healthy"
    train_cut: float = 0.1
    adversarial: bool = True
    painter_width: int = 64

    paper: ClassVar[str] = "Bercea et al. 2023, MICCAI, arXiv 2303.08452"
    version: ClassVar[int] = (
        2  # as RA: gradient through the target of the reconstruction error of restored slices
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "noperc": {
            "likeness": "ssim",
            "train_cut": 0.0,
            "cut": "healthy",
            "sampled": False,
            "adversarial": True,
        },
        "shipped": {"likeness": "lpips", "adversarial": False, "cut": "slice", "sampled": True},
    }
    _weightless: ClassVar[tuple[str, ...]] = ("noperc",)
    tiny: ClassVar[Mapping[str, Any]] = {**RA.tiny, "side": 64, "painter_width": 4, "batch": 2, "checked": 2}

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        super().__post_init__()
        if self.likeness == "none" or not self.equalise:
            what = f"phanes.likeness is {self.likeness!r} and phanes.equalise {self.equalise}"
            raise UsageError(what, hint="the mask needs likeness=lpips or ssim, and equalise=true")
        if (self.likeness == "lpips") != bool(self.vgg19):
            hint = "--set phanes.vgg19=FILE with phanes.squeezenet and phanes.heads, or run phanes:noperc"
            raise UsageError("phanes needs the weights of both LPIPS and VGG-19, or of neither", hint=hint)
        parts = self.adversarial, self.cut, self.sampled, self.train_cut
        if parts != (True, "healthy", False, 0.1) and not variant(self):
            hint = f"run phanes:{' or phanes:'.join(self.variants)}"
            raise UsageError(
                "phanes with these hyper-parameters is neither the paper's method nor a variant", hint=hint
            )
        if self.side < SMALLEST:
            raise UsageError(f"phanes.side is {self.side}", hint=f"give {SMALLEST} or more")

    def build(self) -> torch.nn.ModuleDict:
        """RA's networks, a generator of 15,193,409 weights for one modality, and a critic of 2,761,729."""
        nets = super().build()
        nets["generator"] = Generator(self.channels_, self.painter_width)
        if self.adversarial:
            nets["critic"] = Critic(self.channels_, self.painter_width)
        return nets

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train RA and the inpainting networks in every step; weights with the lowest error on `val` are kept."""
        self.begin(train, ctx)
        stack, soft_intro, inpainter = SliceStack(train, ctx), self._soft_intro(), self._inpainter(ctx)
        held_out = SliceStack(val, ctx, name="val").spread(self.checked)
        images = self._network_input(held_out.image)
        for step in ctx.steps(
            self.steps,
            name="phanes",
            validate=lambda: self._validation_error(images),
            every=self._validation_interval(),
            **soft_intro.state,
            **inpainter.state,
        ):
            self._train_step(self._training_batch(stack, step, ctx), soft_intro, inpainter, step, ctx)
        self.threshold_ = self._healthy_threshold(held_out, ctx) if self.cut == "healthy" else 0.0

    def _validation_error(self, images: torch.Tensor) -> float:
        """Mean squared error of restored and of inpainted slices (n, C, side, side)."""
        restored = self._restore(images)
        mask = self._inpainting_mask(self._coarse_map(images, restored), self.train_cut)
        inpainted = self._inpaint(images, mask)
        return float(squared_error(images, restored) + squared_error(images, inpainted)) / 2

    def _train_step(
        self, images: torch.Tensor, soft_intro: SoftIntro, inpainter: Inpainter, step: int, ctx: Context
    ) -> None:
        update = soft_intro.update(images, ctx.torch_rng("codes", step), ctx)
        mask = self._training_mask(images, update.restored, ctx.rng("ellipses", step))
        inpainted = inpainter.update(images, mask, ctx)
        loss = update.encoder + inpainted.generator
        ctx.log(loss=loss, decoder=update.decoder, critic=inpainted.critic)

    def _inpainter(self, ctx: Context) -> Inpainter:
        vgg = None
        if self.vgg19:
            vgg = VGG19()
            self.weights_ = (*self.weights_, load_into(vgg, Path(self.vgg19), self.vgg19_sha256))
            vgg = vgg.to(ctx.device)
        critic = self._network("critic", Critic) if self.adversarial else None
        return Inpainter(self._network("generator", Generator), critic, vgg, self.lr)

    def _training_mask(
        self, images: torch.Tensor, restored: torch.Tensor, rng: np.random.Generator
    ) -> torch.Tensor:
        """Inpainting mask (n, 1, side, side) of a training step: random ellipses and the regions that RA flags."""
        with torch.no_grad():
            flagged = self._inpainting_mask(self._coarse_map(images, restored), self.train_cut)
        (drawn,) = sent([ellipses(len(images), self.side, rng)], images.device)
        return torch.maximum(flagged, drawn)

    def _coarse_map(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """RA's coarse map (n, side, side): the mean over modalities of R(r, x) S(r, x).

        R is |CLAHE(r) - CLAHE(x)| divided by its 95 % quantile in each slice and modality, at most 1.
        """
        error = absolute_error(clahe(images), clahe(restored))
        relative = (error / (quantiles(error)[..., None, None] + 1e-8)).clamp(max=1)
        return (relative * self._dissimilarity(restored, images)).mean(dim=1)

    def _inpainting_mask(self, coarse_map: torch.Tensor, cut: float) -> torch.Tensor:
        """Mask (n, 1, side, side), 0 or 1, of the pixels above `cut`, dilated.

        cut: 0 for each slice's 95 % quantile.
        """
        level = torch.full_like(coarse_map[:, 0, 0], cut) if cut else quantiles(coarse_map)
        above = (coarse_map > level[:, None, None]).float()
        return (gaussian_blur(above, DILATION_SIGMA) > DILATION_THRESHOLD).float()[:, None]

    def _inpaint(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pseudo-healthy slices: the generator's output, clipped to [0, 1], inside the mask; `images` elsewhere."""
        output: torch.Tensor = self._network("generator", Generator)(masked_input(images, mask))
        return composite(images, output.clamp(0, 1), mask)

    def _healthy_threshold(self, held_out: Batch, ctx: Context) -> float:
        """Level of the coarse map that 5 % of the brain pixels in healthy slices exceed, with codes as at test time."""
        self.net_.eval()
        noise = self._noise(len(held_out.image), "healthy cut", ctx)
        inside = []
        with torch.no_grad(), whole_float32():  # as at test time
            for part in range(0, len(held_out.image), CHUNK):
                piece = slice(part, part + CHUNK)
                images = self._network_input(held_out.image[piece])
                brain = to_square(held_out.brain[piece].float()[:, None], self.side)[:, 0] > 0.5
                restored = self._restore(images, None if noise is None else noise[piece])
                inside.append(self._coarse_map(images, restored)[brain])
        return float(np.quantile(torch.cat(inside).cpu().numpy(), QUANTILE))

    def _anomaly(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """Anomaly map |x - y| S(y, x) (n, side, side), the mean over modalities; 0 outside the mask."""
        mask = self._inpainting_mask(self._coarse_map(images, restored), self.threshold_)
        inpainted = self._inpaint(images, mask)
        return (absolute_error(images, inpainted) * self._dissimilarity(inpainted, images)).mean(dim=1)


def quantiles(maps: torch.Tensor) -> torch.Tensor:
    """95 % quantile of the pixels of each map: (..., X, Y) -> (...)."""
    return maps.flatten(-2).quantile(QUANTILE, dim=-1)
