"""Hyper-parameters of Patch2Loc, its named variants, and its networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from uad_bench import Resources, TorchMethod
from uad_bench.errors import UsageError
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.patch2loc.belief import BeliefName
from uad_methods.patch2loc.encoders.conv import ConvEncoder
from uad_methods.patch2loc.encoders.resnet import LATENT, resnet_encoder
from uad_methods.patch2loc.ensemble import Part
from uad_methods.patch2loc.ensemble import parts as parts_for
from uad_methods.patch2loc.locator import Locator, Variance
from uad_methods.patch2loc.loss import LossName

VARIANCE: Mapping[LossName, Variance] = {"beta_nll": "joint", "stirn": "detached", "mse": "fixed"}

#: Extensions of the paper, switched off.
PAPER: Mapping[str, Any] = {
    "belief": "diagonal",
    "scales": (),
    "experts": False,
    "neighbours": 0,
    "flips": False,
    "usual": 0,
}


@dataclass
class Options(TorchMethod):
    """Hyper-parameters of Patch2Loc, and the networks they describe.

    Hyper-parameters of the paper:
        network: the published ResNet, or `conv`.
        patch: side; up to 1 as a share of the slice's longer side, as published (0.125: 24 mm on a grid of 192
            mm), above 1 in pixels.
        slices: slices per step.
        candidates: candidate patch centres per step, drawn on these slices (resnet).
        brain: minimum fraction of brain in a training patch.
        schedule: of the learning rate.
        clip: limit of the gradient's norm; 0 for none.
        loss: beta_nll, with the exponent beta; mse, without variance; stirn, whose variance does not affect the
            encoder.
        beta: exponent of the variance that weights the beta_nll of a patch; 0 for the plain likelihood.
        width: channels of the conv network before its first pooling.
        checked: number of validation slices on which the best weights are selected.
        scoring: number format of the published encoder at scoring.
        compiled: train with compiled steps (published network, on a GPU).

    Extensions of the paper, each with a variant; they can be combined:
        belief: predictive distribution of the location: a Gaussian with independent (diagonal) or correlated axes
            (full), or a mixture of two Gaussians.
        scales: further patch sides in pixels, one network each, whose scores are averaged.
        experts: one network per modality, whose beliefs are multiplied.
        neighbours: slices above and below as further channels (2.5D).
        flips: average scores with those of the mirrored scan.
        usual: number of training scans whose mean score map is subtracted; 0 for none.
    """

    network: Literal["resnet", "conv"] = "resnet"
    patch: float = 0.125
    steps: int = 15_000
    slices: int = 356
    candidates: int = 32_384
    brain: float = 0.2
    lr: float = 1e-2
    schedule: Literal["constant", "cosine"] = "constant"
    clip: float = 0.0
    loss: LossName = "beta_nll"
    beta: float = 0.5
    width: int = 32
    checked: int = 64
    belief: BeliefName = "diagonal"
    scales: tuple[int, ...] = ()
    experts: bool = False
    neighbours: int = 0
    flips: bool = False
    usual: int = 0
    scoring: Literal["fp32", "bf16"] = "fp32"
    compiled: bool = False

    limits: ClassVar[Limits] = {**LIMITS, "patch": (0.001, 1024)}
    paper: ClassVar[str] = "Baker and Brockmeier 2025, arXiv 2506.22504"
    resources: ClassVar[Resources] = Resources(hours=24)
    #: 2: float32 heads, initialisation of the first convolution, patch as a share of the slice.
    version: ClassVar[int] = 2
    # The first match names a method: "" is the bare name, the published method; combinations of extensions without a
    # variant of their own are `conv-other` and `resnet-other`.
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "": {"network": "resnet", "scoring": "fp32", **PAPER},
        "conv": {"network": "conv", **PAPER},
        "conv-25d-usual": {"network": "conv", **PAPER, "neighbours": 1, "usual": 16},
        "conv-full": {"network": "conv", **PAPER, "belief": "full"},
        "conv-mixture": {"network": "conv", **PAPER, "belief": "mixture"},
        "conv-scales": {"network": "conv", **PAPER, "scales": (16,)},
        "conv-experts": {"network": "conv", **PAPER, "experts": True},
        "conv-25d": {"network": "conv", **PAPER, "neighbours": 1},
        "conv-flips": {"network": "conv", **PAPER, "flips": True},
        "conv-usual": {"network": "conv", **PAPER, "usual": 16},
        "conv-other": {"network": "conv"},
        "bf16": {"network": "resnet", "scoring": "bf16", **PAPER},
        "resnet-other": {"network": "resnet"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "patch": 8,
        "steps": 4,
        "slices": 4,
        "candidates": 128,
        "lr": 1e-3,
        "width": 4,
        "checked": 2,
    }

    def build(self) -> torch.nn.Module:
        """Networks for `channels_` modalities: 11.85 M weights each (resnet), or about 0.15 M (conv)."""
        built = [self._locator(part) for part in self.parts]
        return built[0] if len(built) == 1 else torch.nn.ModuleList(built)

    @property
    def parts(self) -> list[Part]:
        """Input of each network."""
        channels = self.channels_ * (2 * self.neighbours + 1)
        return parts_for(channels, self.channels_, (self.side, *self.scales), experts=self.experts)

    @property
    def side(self) -> int:
        """Side of a patch in pixels; a share is rounded down, as published."""
        longer = max(self.shape_[:2]) if self.patch <= 1 else 1
        return max(1, int(self.patch * longer + 1e-9))

    def _locator(self, part: Part) -> Locator:
        variance = VARIANCE[self.loss]
        if self.network == "resnet":
            encoder = resnet_encoder(len(part.channels))
            return Locator(encoder, (LATENT, 512, 128, 64, 32), self.belief, variance=variance)
        conv = ConvEncoder(len(part.channels), part.side, self.width)
        widths = conv.latent, 2 * self.width, self.width
        net = Locator(conv, widths, self.belief, centred=True, variance=variance)
        return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def __post_init__(self) -> None:
        """Raise UsageError for a patch without size or part of a pixel, and for parameters that exclude each other."""
        if self.patch <= 0 or (self.patch > 1 and self.patch % 1):
            raise UsageError(
                f"patch2loc.patch is {self.patch}",
                where="patch2loc",
                hint="give a share of the slice's longer side up to 1, or a whole number of pixels",
            )
        if self.belief != "diagonal" and (self.loss != "beta_nll" or self.experts):
            raise UsageError(
                f"patch2loc.belief {self.belief!r} needs loss beta_nll and no experts",
                where="patch2loc",
                hint="set patch2loc.belief to diagonal",
            )
        if self.network == "conv" and (self.scoring != "fp32" or self.compiled):
            raise UsageError(
                "patch2loc.scoring bf16 and patch2loc.compiled need network resnet",
                where="patch2loc",
                hint="set patch2loc.network to resnet, or leave them out",
            )
