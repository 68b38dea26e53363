"""The options of Patch2Loc, its named variants, and the networks they ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from uad_bench import TorchMethod
from uad_bench.errors import UsageError
from uad_methods.patch2loc.belief import BeliefName
from uad_methods.patch2loc.encoders.conv import ConvEncoder
from uad_methods.patch2loc.encoders.resnet import LATENT, resnet_encoder
from uad_methods.patch2loc.ensemble import Part
from uad_methods.patch2loc.ensemble import parts as parts_for
from uad_methods.patch2loc.locator import Locator, Variance
from uad_methods.patch2loc.loss import LossName

VARIANCE: Mapping[LossName, Variance] = {"beta_nll": "joint", "stirn": "apart", "mse": "fixed"}

#: What is beyond the paper, left out.
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
    """What can be asked of Patch2Loc, and the networks that answer it.

    patch: side in pixels; the paper's is 1/8 of a slice (24 of 192). slices: a step. candidates: patch centres drawn on
    them (resnet). brain: least share of brain in a training patch. schedule: of the learning rate. clip: limit of the
    gradient's norm, 0 for none. loss: beta_nll, its exponent `beta`; mse, without a variance; stirn, with one that
    cannot move the encoder. width: channels of the conv network before its first pool. checked: validation slices that
    choose among weights. scoring: number format of the published encoder at scoring; bf16 is a variant. compiled: train
    with compiled steps (published network, on a GPU).

    Beyond the paper, each a variant, free to be combined. belief: what the network says about a place. scales: further
    patch sides, a network each, their scores averaged. experts: a network a modality, their beliefs multiplied.
    neighbours: slices above and below that are seen too. flips: scores averaged with those of the mirrored scan.
    usual: training scans whose mean score map is taken off.
    """

    network: Literal["resnet", "conv"] = "resnet"
    patch: int = 24
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

    paper: ClassVar[str] = "Baker and Brockmeier 2025, arXiv 2506.22504"
    # A name says all that is beyond the paper: "" is the bare name, the published method; other combinations have names
    # of their own, the last ones.
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
        """The networks for `channels_` modalities: 11.85 M weights each (resnet), or about 0.15 M (conv)."""
        built = [self._locator(part) for part in self.parts]
        return built[0] if len(built) == 1 else torch.nn.ModuleList(built)

    @property
    def parts(self) -> list[Part]:
        """What each of the networks looks at."""
        channels = self.channels_ * (2 * self.neighbours + 1)
        return parts_for(channels, self.channels_, (self.patch, *self.scales), experts=self.experts)

    def _locator(self, part: Part) -> Locator:
        variance = VARIANCE[self.loss]
        if self.network == "resnet":
            encoder, widths = resnet_encoder(len(part.channels)), (LATENT, 512, 128, 64, 32)
            return Locator(encoder, widths, self.belief, variance=variance)
        slid = ConvEncoder(len(part.channels), part.side, self.width)
        net = Locator(
            slid, (slid.latent, 2 * self.width, self.width), self.belief, centred=True, variance=variance
        )
        return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def __post_init__(self) -> None:
        """Raise UsageError for options that exclude each other."""
        if self.belief != "diagonal" and (self.loss != "beta_nll" or self.experts):
            raise UsageError(
                f"belief {self.belief!r} goes with loss beta_nll and without experts",
                where="patch2loc",
                hint="set belief to diagonal",
            )
        if self.network == "conv" and (self.scoring != "fp32" or self.compiled):
            raise UsageError(
                "scoring bf16 and compiled are for the published network",
                where="patch2loc",
                hint="set network to resnet, or leave them out",
            )
