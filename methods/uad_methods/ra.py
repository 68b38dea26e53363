"""RA: a reversed autoencoder restores healthy anatomy; the anomaly map combines pixel and perceptual differences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.base import variant
from uad_bench.method.slices import Batch
from uad_bench.method.transfer import sent
from uad_bench.types import FloatArray
from uad_methods.parts.images.clahe import clahe
from uad_methods.parts.images.dissimilarity import Dissimilarity, Kind
from uad_methods.parts.images.residual import absolute_error, squared_error
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.networks.introvae import DEEPEST, Code, Decoder, Encoder
from uad_methods.parts.networks.lpips import HEADS_SHA256
from uad_methods.parts.training.augment import random_affine
from uad_methods.parts.training.softintro import SoftIntro, Weights

Net = TypeVar("Net", bound=torch.nn.Module)
VALIDATE_EVERY = 1000  # steps between two evaluations of the validation slices, at most


@dataclass
class RA(TorchMethod):
    """Soft-introspective VAE with an embedding loss that generates healthy slices (Bercea et al. 2023, MIDL).

    Anomaly map: the mean over modalities of |CLAHE(r) - CLAHE(x)| S(r, x) S(CLAHE(r), CLAHE(x)), with r the
    restoration and S a perceptual difference map.

    The paper's S is LPIPS, whose weights you provide: --set ra.squeezenet=FILE --set ra.heads=FILE. Variants
    are used where they are not available: `ssim`, S = (1 - SSIM) / 2; `clahe`, without S; `l1`, the plain
    residual |r - x|. Variant `sampled`: codes are sampled at test time, as in the published code, instead of
    their means.

    Hyper-parameters:
        likeness: what S is.
        equalise: CLAHE before the difference.
        squeezenet, heads: weight files of LPIPS.
        squeezenet_sha256, heads_sha256: digests, 8 digits or more; not needed where a file's name ends in its
            digest.
        side: side of the square to which slices are resized, in pixels, a multiple of 32.
        width: channels of the first level.
        code: length of the latent code.
        rec, kl, neg, embed: weights of the losses, see `parts.training.softintro.Weights`.
        augment: random affine augmentation of training slices.
        sampled: see the variant.
        checked: number of validation slices on which the best weights are selected.
    """

    likeness: Kind = "lpips"
    equalise: bool = True
    squeezenet: str = ""
    squeezenet_sha256: str = ""
    heads: str = ""
    heads_sha256: str = HEADS_SHA256
    side: int = 128
    width: int = 64
    code: int = 128
    lr: float = 5e-5
    batch: int = 8
    steps: int = 72_000
    rec: float = 0.5
    kl: float = 1.0
    neg: float = 128.0
    embed: float = 0.005
    augment: bool = True
    sampled: bool = False
    checked: int = 64

    limits: ClassVar[Limits] = LIMITS
    paper: ClassVar[str] = "Bercea et al. 2023, MIDL (reversed autoencoders), OpenReview 8ojx-Ld3yjR"
    version: ClassVar[int] = 2  # gradient through the target of the reconstruction error of restored slices
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ssim": {"likeness": "ssim", "equalise": True, "sampled": False},
        "clahe": {"likeness": "none", "equalise": True, "sampled": False},
        "l1": {"likeness": "none", "equalise": False, "sampled": False},
        "sampled": {"likeness": "lpips", "equalise": True, "sampled": True},
    }
    _weightless: ClassVar[tuple[str, ...]] = ("ssim", "clahe", "l1")
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 32,
        "width": 4,
        "code": 8,
        "batch": 4,
        "steps": 3,
        "checked": 4,
    }

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        name = type(self).__name__.lower()
        if self.likeness == "lpips" and not (self.squeezenet and self.heads):
            hint = f"--set {name}.squeezenet=FILE --set {name}.heads=FILE, or run {name}:{next(iter(self.variants))}"
            raise UsageError(f"{name} needs the weights of LPIPS, and none were given", hint=hint)
        if self.likeness != "lpips" and (self.squeezenet or self.heads):
            what = f"the weights given to {name} would be ignored with likeness={self.likeness}"
            raise UsageError(what, hint="drop them, or set likeness=lpips")
        if (self.likeness, self.equalise) != ("lpips", True) and variant(self) not in self._weightless:
            hint = f"run one of {', '.join(f'{name}:{one}' for one in self._weightless)}"
            raise UsageError(
                f"{name} with these hyper-parameters is neither the paper's method nor a variant", hint=hint
            )
        if self.side % DEEPEST or self.side < DEEPEST:
            raise UsageError(f"{name}.side is {self.side}", hint=f"give a multiple of {DEEPEST}")

    def seen(self) -> tuple[str, ...]:
        """("imagenet",) where weights are given."""
        return ("imagenet",) if self.squeezenet else ()

    def build(self) -> torch.nn.ModuleDict:
        """Encoder and decoder, 29,430,785 weights for one modality at 128 pixels, and the network of S."""
        sizes = self.channels_, self.side, self.width, self.code
        return torch.nn.ModuleDict(
            {
                "encoder": Encoder(*sizes),
                "decoder": Decoder(*sizes),
                "unlike": Dissimilarity(self.likeness),
            }
        )

    def begin(self, train: Sequence[Scan], ctx: Context) -> torch.nn.Module:
        """New networks; the weights of LPIPS are read from their files."""
        super().begin(train, ctx)
        digests = self.squeezenet_sha256, self.heads_sha256
        self.weights_ = self._network("unlike", Dissimilarity).load_weights(
            self.squeezenet, self.heads, digests
        )
        return self.net_

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; weights with the lowest restoration error on slices of `val` are kept."""
        self.begin(train, ctx)
        stack, soft_intro = SliceStack(train, ctx), self._soft_intro()
        held_out = self._network_input(SliceStack(val, ctx, name="val").spread(self.checked).image)

        def error() -> float:
            return float(squared_error(held_out, self._restore(held_out)))

        for step in ctx.steps(
            self.steps, name="ra", validate=error, every=self._validation_interval(), **soft_intro.state
        ):
            images = self._training_batch(stack, step, ctx)
            update = soft_intro.update(images, ctx.torch_rng("codes", step), ctx)
            ctx.log(loss=update.encoder, decoder=update.decoder)

    def _soft_intro(self) -> SoftIntro:
        encoder, decoder = self._network("encoder", Encoder), self._network("decoder", Decoder)
        return SoftIntro(encoder, decoder, Weights(self.rec, self.kl, self.neg, self.embed), self.lr)

    def _validation_interval(self) -> int:
        return min(VALIDATE_EVERY, max(1, self.steps // 10))

    def _training_batch(self, stack: SliceStack, step: int, ctx: Context) -> torch.Tensor:
        """Slices (n, C, side, side) of a training step, augmented if `augment` is set."""
        images = self._network_input(stack.batch(step, self.batch).image)
        return random_affine(images, ctx.torch_rng("jitter", step)) if self.augment else images

    def _network_input(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, X, Y) resized to a square and clipped to [0, 1], the range of CLAHE and of the decoder."""
        return to_square(images, self.side).clamp(0, 1)

    def _restore(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Restored slices (n, C, side, side) from the mean codes, or with `noise` (n, code) from sampled codes."""
        code: Code = self._network("encoder", Encoder)(images)
        z = code.mean if noise is None else code.mean + noise * (0.5 * code.log_var).exp()
        restored: torch.Tensor = self._network("decoder", Decoder)(z)
        return restored

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Anomaly map (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._scorer(scan, ctx))

    def _scorer(self, scan: Scan, ctx: Context) -> Callable[[Batch], torch.Tensor]:
        """`_map` with the code noise of all slices of the scan, where codes are sampled."""
        return partial(self._map, noises=self._noise(scan.shape[2], scan.case_id, ctx))

    def _noise(self, n: int, key: str, ctx: Context) -> torch.Tensor | None:
        """Noise (n, code) where codes are sampled; None where their means are used."""
        if not self.sampled:
            return None
        drawn = ctx.rng("test codes", key).standard_normal((n, self.code), np.float32)
        (noise,) = sent([torch.from_numpy(drawn)], ctx.device)  # drawn on the CPU: the same on every device
        return noise

    def _map(self, batch: Batch, noises: torch.Tensor | None) -> torch.Tensor:
        images = self._network_input(batch.image)
        restored = self._restore(images, None if noises is None else noises[batch.z])
        x, y = batch.image.shape[-2:]
        return from_square(self._anomaly(images, restored), (x, y)) * batch.brain

    def _anomaly(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """Anomaly map (n, side, side) of slices and restorations (n, C, side, side), the mean over modalities."""
        if not self.equalise:
            return (absolute_error(images, restored) * self._dissimilarity(restored, images)).mean(dim=1)
        equalised, equalised_restored = clahe(images), clahe(restored)
        both = self._dissimilarity(restored, images) * self._dissimilarity(equalised_restored, equalised)
        return (absolute_error(equalised, equalised_restored) * both).mean(dim=1)

    def _dissimilarity(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """S of two image batches (n, C, side, side), of the same shape."""
        found: torch.Tensor = self._network("unlike", Dissimilarity)(a, b)
        return found

    def _network(self, name: str, kind: type[Net]) -> Net:
        """Network of that name, checked to be of class `kind`."""
        assert isinstance(self.net_, torch.nn.ModuleDict)
        net = self.net_[name]
        assert isinstance(net, kind)
        return net
