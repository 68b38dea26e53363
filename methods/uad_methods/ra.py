"""RA: a reversed autoencoder restores healthy anatomy; what looks and measures otherwise is anomalous."""

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
from uad_bench.types import FloatArray
from uad_methods.parts.images.clahe import clahe
from uad_methods.parts.images.dissimilarity import Dissimilarity, Kind
from uad_methods.parts.images.residual import absolute_error, squared_error
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.networks.introvae import DEEPEST, Code, Decoder, Encoder
from uad_methods.parts.networks.lpips import HEADS_SHA256
from uad_methods.parts.training.augment import random_affine
from uad_methods.parts.training.softintro import SoftIntro, Weights

Net = TypeVar("Net", bound=torch.nn.Module)
VALIDATE_EVERY = 1000  # steps between two looks at the validation slices, at most


@dataclass
class RA(TorchMethod):
    """A soft introspective VAE whose encoder sees the same in a slice and in its restoration.

    The score is |CLAHE(r) - CLAHE(x)| S(r, x) S(CLAHE(r), CLAHE(x)), r the restoration, S how unlike two pictures
    look. The paper's S is LPIPS, whose weights you bring: --set ra.squeezenet=FILE --set ra.heads=FILE. Without
    them there are ra:ssim, S = (1 - SSIM) / 2, ra:clahe, without S, and ra:l1, the plain |r - x|.

    likeness: what S is. equalise: CLAHE before the difference. squeezenet_sha256, heads_sha256: digests, 8 digits
    or more, where a file's name does not end in them. side: pixels of the square that slices are brought to, a
    multiple of 32. width: channels of the first level. code: numbers a slice. rec, kl, neg, embed: of the losses,
    see `parts.softintro.Weights`. augment: slices are turned, shifted, scaled and mirrored in training. sampled:
    codes are drawn at the test too, as in the published code, not their means. checked: validation slices that
    choose among weights.
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

    paper: ClassVar[str] = "Bercea et al. 2023, MIDL (reversed autoencoders), OpenReview 8ojx-Ld3yjR"
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
        """Refuse what would be another method under this name."""
        name = type(self).__name__.lower()
        if self.likeness == "lpips" and not (self.squeezenet and self.heads):
            hint = f"--set {name}.squeezenet=FILE --set {name}.heads=FILE, or run {name}:{next(iter(self.variants))}"
            raise UsageError(f"{name} needs the weights of LPIPS, and none were given", hint=hint)
        if self.likeness != "lpips" and (self.squeezenet or self.heads):
            raise UsageError(f"{name}'s weights would be ignored", hint="drop them, or say likeness=lpips")
        if (self.likeness, self.equalise) != ("lpips", True) and variant(self) not in self._weightless:
            hint = (
                f"run one of {', '.join(f'{name}:{one}' for one in self._weightless)}, or set what they set"
            )
            raise UsageError(
                f"{name} with these parts has no name, and {name} alone is its paper's", hint=hint
            )
        if self.side % DEEPEST or self.side < DEEPEST:
            raise UsageError(f"{name}.side is {self.side}", hint=f"give a multiple of {DEEPEST}")

    def seen(self) -> tuple[str, ...]:
        """ImageNet, where weights are given."""
        return ("imagenet",) if self.squeezenet else ()

    def build(self) -> torch.nn.ModuleDict:
        """Encoder and decoder, 29,430,785 weights for one modality at 128 pixels, and what S needs."""
        sizes = self.channels_, self.side, self.width, self.code
        return torch.nn.ModuleDict(
            {
                "encoder": Encoder(*sizes),
                "decoder": Decoder(*sizes),
                "unlike": Dissimilarity(self.likeness),
            }
        )

    def begin(self, train: Sequence[Scan], ctx: Context) -> torch.nn.Module:
        """The networks, new, but for LPIPS, which is read from its files."""
        super().begin(train, ctx)
        digests = self.squeezenet_sha256, self.heads_sha256
        self.weights_ = self._network("unlike", Dissimilarity).load_weights(
            self.squeezenet, self.heads, digests
        )
        return self.net_

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train`; the weights that restore slices of `val` with the least error are kept."""
        self.begin(train, ctx)
        stack, pair = SliceStack(train, ctx), self._soft_intro()
        held_out = self._network_input(SliceStack(val, ctx, name="val").spread(self.checked).image)

        def error() -> float:
            return float(squared_error(held_out, self._restore(held_out)))

        for step in ctx.steps(
            self.steps, name="ra", validate=error, every=self._validation_interval(), **pair.state
        ):
            images = self._training_batch(stack, step, ctx)
            update = pair.update(images, ctx.torch_rng("codes", step), ctx)
            ctx.log(loss=update.encoder, decoder=update.decoder)

    def _soft_intro(self) -> SoftIntro:
        encoder, decoder = self._network("encoder", Encoder), self._network("decoder", Decoder)
        return SoftIntro(encoder, decoder, Weights(self.rec, self.kl, self.neg, self.embed), self.lr)

    def _validation_interval(self) -> int:
        return min(VALIDATE_EVERY, max(1, self.steps // 10))

    def _training_batch(self, stack: SliceStack, step: int, ctx: Context) -> torch.Tensor:
        """The slices of a training step, as the networks see them."""
        images = self._network_input(stack.batch(step, self.batch).image)
        return random_affine(images, ctx.torch_rng("jitter", step)) if self.augment else images

    def _network_input(self, images: torch.Tensor) -> torch.Tensor:
        """Slices (n, C, X, Y) square and cut to [0, 1]: CLAHE knows no other values, the decoder makes none."""
        return to_square(images, self.side).clamp(0, 1)

    def _restore(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Healthy versions of shown slices, from the mean codes; with `noise` (n, code) from drawn ones."""
        seen: Code = self._network("encoder", Encoder)(images)
        z = seen.mean if noise is None else seen.mean + noise * (0.5 * seen.log_var).exp()
        restored: torch.Tensor = self._network("decoder", Decoder)(z)
        return restored

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """What the restoration changed (X, Y, Z), at least 0, a product of small numbers; 0 outside the brain."""
        return self.score_slices(scan, ctx, self._scorer(scan, ctx))

    def _scorer(self, scan: Scan, ctx: Context) -> Callable[[Batch], torch.Tensor]:
        """`_map` with the noise of every slice of the scan, where codes are drawn."""
        return partial(self._map, noises=self._noise(scan.shape[2], scan.case_id, ctx))

    def _noise(self, n: int, key: str, ctx: Context) -> torch.Tensor | None:
        """Noise of n codes (n, code) where codes are drawn; none where their means are taken."""
        if not self.sampled:
            return None
        drawn = ctx.rng("test codes", key).standard_normal((n, self.code), np.float32)
        return torch.from_numpy(drawn).to(ctx.device)  # drawn on the host: the same on every device

    def _map(self, batch: Batch, noises: torch.Tensor | None) -> torch.Tensor:
        images = self._network_input(batch.image)
        restored = self._restore(images, None if noises is None else noises[batch.z])
        x, y = batch.image.shape[-2:]
        return from_square(self._anomaly(images, restored), (x, y)) * batch.brain

    def _anomaly(self, images: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """Shown slices and restorations (n, C, side, side) -> (n, side, side), the mean over modalities."""
        if not self.equalise:
            return (absolute_error(images, restored) * self._dissimilarity(restored, images)).mean(dim=1)
        equalised, equalised_restored = clahe(images), clahe(restored)
        both = self._dissimilarity(restored, images) * self._dissimilarity(equalised_restored, equalised)
        return (absolute_error(equalised, equalised_restored) * both).mean(dim=1)

    def _dissimilarity(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """S of two pictures (n, C, side, side), of that shape."""
        found: torch.Tensor = self._network("unlike", Dissimilarity)(a, b)
        return found

    def _network(self, name: str, kind: type[Net]) -> Net:
        """The network of that name."""
        assert isinstance(self.net_, torch.nn.ModuleDict)
        net = self.net_[name]
        assert isinstance(net, kind)
        return net
