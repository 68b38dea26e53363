"""PHANES: what RA finds suspicious is cut out and painted anew; where the painting differs is anomalous."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from uad_bench import Context, Scan, SliceStack
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.slices import Batch
from uad_bench.method.torch_method import whole_float32
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.clahe import clahe
from uad_methods.parts.images.residual import absolute_error, squared_error
from uad_methods.parts.images.square import to_square
from uad_methods.parts.networks.aot import SMALLEST, Critic, Generator
from uad_methods.parts.networks.vgg19 import VGG19
from uad_methods.parts.training.inpainter import Inpainter
from uad_methods.parts.training.inpainting import composite, ellipses, masked_input
from uad_methods.parts.weights import load_into
from uad_methods.ra import RA

QUANTILE = 0.95  # of pixels that are not to be masked
DILATION_SIGMA, DILATION_THRESHOLD = 1.2, 0.1  # a mask is blurred by so many pixels, and cut there: it grows
CHUNK = 16  # slices at once where the threshold is set


@dataclass
class PHANES(RA):
    """A map of RA says where to look, a generator paints those places, S(y, x) |x - y| scores them.

    The paper's S is LPIPS and its losses of texture are VGG-19's: you bring --set phanes.squeezenet=FILE,
    phanes.heads=FILE, phanes.vgg19=FILE. phanes:noperc needs none, S = (1 - SSIM) / 2, and L1 of slopes as loss.

    likeness: "lpips" or "ssim"; decides on VGG-19 as well. cut: the threshold of the map, "healthy" (5 % of the
    brain of healthy validation slices lie above it) or "slice" (5 % of the pixels of the slice at hand).
    train_cut: the threshold while training, 0: as for "slice". adversarial: the critic's answer reaches the
    generator; it does in the paper, not in the published code. painter_width: channels of generator and critic.
    The rest are RA's.
    """

    vgg19: str = ""
    vgg19_sha256: str = ""
    cut: Literal["healthy", "slice"] = "healthy"
    train_cut: float = 0.1
    adversarial: bool = True
    painter_width: int = 64

    paper: ClassVar[str] = "Bercea et al. 2023, MICCAI, arXiv 2303.08452"
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
        """Refuse what would be another method under this name."""
        super().__post_init__()
        if self.likeness == "none" or not self.equalise:
            raise UsageError(
                "phanes needs a likeness and CLAHE for its mask", hint="likeness ssim, equalise true"
            )
        if (self.likeness == "lpips") != bool(self.vgg19):
            hint = "--set phanes.vgg19=FILE beside those of LPIPS, or run phanes:noperc"
            raise UsageError("phanes takes the weights of LPIPS and of VGG-19, or none", hint=hint)
        parts = self.adversarial, self.cut, self.sampled, self.train_cut
        if parts != (True, "healthy", False, 0.1) and not variant(self):
            hint = f"run phanes:{' or phanes:'.join(self.variants)}"
            raise UsageError(
                "phanes with these parts has no name, and phanes alone is its paper's", hint=hint
            )
        if self.side < SMALLEST:
            raise UsageError(f"phanes.side is {self.side}", hint=f"give {SMALLEST} or more")

    def build(self) -> torch.nn.ModuleDict:
        """RA's networks, a generator of 15,193,409 weights for one modality, a critic of 2,761,729."""
        nets = super().build()
        nets["generator"] = Generator(self.channels_, self.painter_width)
        if self.adversarial:
            nets["critic"] = Critic(self.channels_, self.painter_width)
        return nets

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Every step trains RA, then the painter; weights with the least error on slices of `val` are kept."""
        self.begin(train, ctx)
        stack, pair, inpainter = SliceStack(train, ctx), self._soft_intro(), self._inpainter(ctx)
        held_out = SliceStack(val, ctx, name="val").spread(self.checked)
        shown = self._network_input(held_out.image)

        def error() -> float:
            restored = self._restore(shown)
            inpainted = self._inpaint(
                shown, self._inpainting_mask(self._coarse_map(shown, restored), self.train_cut)
            )
            return float(squared_error(shown, restored) + squared_error(shown, inpainted)) / 2

        for step in ctx.steps(
            self.steps,
            name="phanes",
            validate=error,
            every=self._validation_interval(),
            **pair.state,
            **inpainter.state,
        ):
            images = self._training_batch(stack, step, ctx)
            update = pair.update(images, ctx.torch_rng("codes", step), ctx)
            mask = self._training_mask(images, update.restored, ctx.rng("ellipses", step))
            inpainted = inpainter.update(images, mask, ctx)
            ctx.log(
                loss=update.encoder + inpainted.generator, decoder=update.decoder, critic=inpainted.critic
            )
        self.threshold_ = self._healthy_threshold(held_out, ctx) if self.cut == "healthy" else 0.0

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
        """Random ellipses and what RA suspects at this moment, (n, 1, side, side)."""
        with torch.no_grad():
            flagged = self._inpainting_mask(self._coarse_map(images, restored), self.train_cut)
        return torch.maximum(flagged, ellipses(len(images), self.side, rng).to(images.device))

    def _coarse_map(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """RA's coarse map (n, side, side), mean over modalities: R(r, x) S(r, x).

        R: |CLAHE(r) - CLAHE(x)| over its 95 % quantile in each slice and modality, at most 1.
        """
        error = absolute_error(clahe(images), clahe(restored))
        relative = (error / (quantiles(error)[..., None, None] + 1e-8)).clamp(max=1)
        return (relative * self._dissimilarity(restored, images)).mean(dim=1)

    def _inpainting_mask(self, coarse_map: torch.Tensor, cut: float) -> torch.Tensor:
        """What lies above `cut` and a little around it, (n, 1, side, side), 0 or 1; 0: above each slice's quantile."""
        level = torch.full_like(coarse_map[:, 0, 0], cut) if cut else quantiles(coarse_map)
        above = (coarse_map > level[:, None, None]).float()
        return (gaussian_blur(above, DILATION_SIGMA) > DILATION_THRESHOLD).float()[:, None]

    def _inpaint(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pseudo-healthy slices: the generator's in the mask, cut to [0, 1]; the slices themselves elsewhere."""
        guess: torch.Tensor = self._network("generator", Generator)(masked_input(images, mask))
        return composite(images, guess.clamp(0, 1), mask)

    def _healthy_threshold(self, held_out: Batch, ctx: Context) -> float:
        """The level that 5 % of the brain in healthy slices exceeds, with codes as the test draws them."""
        self.net_.eval()
        noise = self._noise(len(held_out.image), "healthy cut", ctx)
        inside = []
        with torch.no_grad(), whole_float32():  # as the test scores
            for part in range(0, len(held_out.image), CHUNK):
                piece = slice(part, part + CHUNK)
                images = self._network_input(held_out.image[piece])
                brain = to_square(held_out.brain[piece].float()[:, None], self.side)[:, 0] > 0.5
                restored = self._restore(images, None if noise is None else noise[piece])
                inside.append(self._coarse_map(images, restored)[brain])
        return float(np.quantile(torch.cat(inside).cpu().numpy(), QUANTILE))

    def _anomaly(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """|x - y| S(y, x) of shown slices and the painted ones, (n, side, side); 0 outside the mask."""
        mask = self._inpainting_mask(self._coarse_map(images, restored), self.threshold_)
        inpainted = self._inpaint(images, mask)
        return (absolute_error(images, inpainted) * self._dissimilarity(inpainted, images)).mean(dim=1)


def quantiles(maps: torch.Tensor) -> torch.Tensor:
    """The 95 % quantile of each picture's own pixels: (..., X, Y) -> (...)."""
    return maps.flatten(-2).quantile(QUANTILE, dim=-1)
