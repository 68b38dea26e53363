"""RIAD: a U-Net fills in hidden squares of a slice; the anomaly map is the difference of gradient magnitudes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch

from uad_bench import Component, Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.method.transfer import sent
from uad_bench.types import FloatArray
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.gradient_similarity import SMALLEST, msgms_difference, msgms_loss
from uad_methods.parts.images.reconstruction import reconstruction
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.images.ssim import ssim_map
from uad_methods.parts.inpainting.partitions import filled, hidden_groups
from uad_methods.parts.inpainting.strided_unet import StridedUNet
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.training.descent import descend

FULL_RATE = 250 / 300  # share of the training before the learning rate falls to a tenth
SSIM_WINDOW = 11  # pixels


@dataclass
class RIAD(TorchMethod):
    """Reconstruction by inpainting: squares are hidden, filled in and compared (Zavrtanik et al. 2021).

    Anomaly map: the mean over random partitions, and the weighted mean over sizes of squares, of 1 - GMS between slice
    and filled slice. A slice is cut into squares, these are dealt into groups, and each group is hidden once, so that
    every pixel is predicted without having been seen. GMS, the similarity of gradient magnitudes, is a mean over four
    scales. Network, losses and map work on values in [-1, 1], where hidden pixels are 0.

    Defaults are those of an unofficial implementation; the authors' code was not found.

    Variants: `mask`, the network also gets the mask of visible pixels; `l2`, the squared difference is added to the
    map, since GMS does not change where a region is brighter by a constant; `mask-l2`, both.

    Hyper-parameters:
        side: side of the square to which slices are resized, in pixels.
        squares: sides of the hidden squares, in pixels of that square; divisors of `side`. Training draws one for each
            batch, the map uses all.
        groups: into which the squares of a partition are dealt, and passes of the network to fill in a slice.
        widths: channels of each level of the network.
        mask_channel: whether the network gets the mask as a channel.
        median: whether a 3 x 3 median precedes the gradients of GMS, in training and map.
        difference: what the map adds up, "gms" or "gms+l2".
        weighting: of the sizes of squares in the map, "count" for 1 / number of squares, which favours large ones, or
            "equal".
        partitions: random partitions for each size over which the map is averaged.
        sigma: of the Gaussian that smooths the map, in pixels of the square; 0 for none.
        batch: slices of a training step.
        steps: training steps; the learning rate falls to a tenth after 5/6 of them.
        checked: number of validation slices on which the best weights are selected, always with the same partitions.
    """

    side: int = 256
    squares: tuple[int, ...] = (2, 4, 8, 16)
    groups: int = 3
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    mask_channel: bool = False
    median: bool = True
    difference: Literal["gms", "gms+l2"] = "gms"
    weighting: Literal["count", "equal"] = "count"
    partitions: int = 3
    sigma: float = 7.0
    lr: float = 1e-4
    weight_decay: float = 1e-5
    batch: int = 4
    steps: int = 18_000
    checked: int = 64

    limits: ClassVar[Limits] = {
        **LIMITS, "groups": (2, 1024), "partitions": (1, 1000), "sigma": (0, 100), "checked": (1, 1e9),
    }  # fmt: skip
    paper: ClassVar[str] = "Zavrtanik et al. 2021, Pattern Recognition 112, doi 10.1016/j.patcog.2020.107706"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mask-l2": {"mask_channel": True, "difference": "gms+l2"},
        "mask": {"mask_channel": True},
        "l2": {"difference": "gms+l2"},
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 32, "squares": (4, 8), "widths": (4, 8), "partitions": 1, "sigma": 1.0, "batch": 4, "steps": 4,
        "checked": 4,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for squares that do not tile the slice, and for sides that the network cannot halve."""
        if not self.widths or min(self.widths) < 1 or max(self.widths) > 65_536 or len(self.widths) > 10:
            hint = "give the channels of one to ten levels, 1 to 65536 each"
            raise UsageError(f"riad.widths is {self.widths}", hint=hint)
        halved = 2 ** (len(self.widths) - 1)
        if self.side < SMALLEST or self.side % halved:
            hint = f"give a multiple of {halved} (for {len(self.widths)} levels), at least {SMALLEST}"
            raise UsageError(f"riad.side is {self.side}", hint=hint)
        if not self.squares or any(one < 1 or self.side % one for one in self.squares):
            hint = f"give divisors of riad.side, {self.side}"
            raise UsageError(f"riad.squares is {self.squares}", hint=hint)
        if (self.side // max(self.squares)) ** 2 < self.groups:
            what = f"riad.squares of {max(self.squares)} pixels are too few for riad.groups, {self.groups}"
            raise UsageError(what, hint="give smaller squares or fewer groups")

    def build(self) -> StridedUNet:
        """U-Net with 28,803,393 weights for one modality, 576 more with the mask as a channel."""
        return StridedUNet(self.channels_ + self.mask_channel, self.channels_, self.widths)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train on slices of `train` and keep the weights with the lowest loss on slices of `val`."""
        net, stack = self.begin(train, ctx), SliceStack(train, ctx)
        opt = torch.optim.Adam(net.parameters(), self.lr, weight_decay=self.weight_decay)
        held_out = self._signed(SliceStack(val, ctx, name="val").spread(self.checked))
        held_out_hidden = [self._hidden(one, ctx, "val") for one in self.squares]

        def validation_loss() -> float:
            losses = [self.loss(held_out, hidden, ctx) for hidden in held_out_hidden]
            return float(torch.stack(losses).mean())

        for step in ctx.steps(self.steps, net=net, opt=opt, validate=validation_loss):
            square = self.squares[ctx.rng("square", step).integers(len(self.squares))]
            images = self._signed(stack.batch(step, self.batch))
            loss = self.loss(images, self._hidden(square, ctx, step), ctx)
            ctx.log(loss=loss)
            for group in opt.param_groups:
                group["lr"] = self.lr if step < FULL_RATE * self.steps else self.lr / 10
            descend(opt, loss)

    def loss(self, images: torch.Tensor, hidden: torch.Tensor, ctx: Context) -> torch.Tensor:
        """Squared error + multi-scale GMS loss + (1 - SSIM) of the filled images, each a mean: a scalar.

        images: (n, C, side, side) in [-1, 1]; hidden: bool (groups, 1, side, side).
        """
        with ctx.autocast():
            output = self._filled(images, hidden)
        structure = 1 - ssim_map(output, images, SSIM_WINDOW).mean()
        return ((output - images) ** 2).mean() + msgms_loss(images, output, median=self.median) + structure

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Difference from the filled scan (X, Y, Z), at least 0, higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, lambda batch: self._map(batch, self._drawn(ctx, scan)))

    def components(self, scan: Scan, ctx: Context) -> dict[str, Component]:
        """Filled scan, the mean over partitions and sizes of squares; one component per modality."""

        def rebuild(batch: Batch) -> torch.Tensor:
            images = self._signed(batch)
            parts = [self._filled(images, hidden) for _, hidden in self._drawn(ctx, scan)]
            mean = torch.stack(parts).mean(dim=0)
            size = (batch.image.shape[-2], batch.image.shape[-1])
            return (from_square(mean.flatten(0, 1), size).view(batch.image.shape) + 1) / 2

        return reconstruction(self, scan, ctx, rebuild)

    def _map(self, batch: Batch, drawn: Iterator[tuple[float, torch.Tensor]]) -> torch.Tensor:
        """Anomaly map (n, X, Y) from weighted partitions; pixels without brain do not take part in its smoothing."""
        images, total = self._signed(batch), torch.zeros((), device=batch.image.device)
        for weight, hidden in drawn:
            total = total + weight * self._difference(images, self._filled(images, hidden))
        brain = to_square(batch.brain[:, None].float(), self.side)[:, 0]
        pair = torch.stack([total * brain, brain])
        if self.sigma:
            pair = gaussian_blur(pair, self.sigma)
        size = (batch.image.shape[-2], batch.image.shape[-1])
        return from_square(pair[0] / pair[1].clamp(min=1e-6), size).clamp(min=0) * batch.brain

    def _difference(self, images: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        """(n, side, side), at least 0, and 0 where the output equals the images."""
        found = msgms_difference(images, output, median=self.median)
        return found + ((images - output) ** 2).mean(dim=1) if self.difference == "gms+l2" else found

    def _drawn(self, ctx: Context, scan: Scan) -> Iterator[tuple[float, torch.Tensor]]:
        """Partitions of a scan, the same for all its slices and on all devices, with weights that add up to 1."""
        count = self.weighting == "count"
        weights = [float(one) ** 2 if count else 1.0 for one in self.squares]  # (side / one)^2 squares
        hidden = [
            self._hidden(square, ctx, scan.case_id, number, device="cpu")
            for square in self.squares
            for number in range(self.partitions)
        ]
        each = [weight / sum(weights) / self.partitions for weight in weights for _ in range(self.partitions)]
        return zip(each, sent(hidden, ctx.device), strict=True)

    def _hidden(self, square: int, ctx: Context, *key: object, device: str | None = None) -> torch.Tensor:
        draws = ctx.torch_rng("partition", square, *key, device=device)
        return hidden_groups(self.side, square, self.groups, draws)

    def _filled(self, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        return filled(self.net_, images, hidden, told=self.mask_channel)

    def _signed(self, batch: Batch) -> torch.Tensor:
        """Slices as the network takes them, (n, C, side, side): 0 becomes -1, and 1 stays 1."""
        return 2 * to_square(batch.image, self.side) - 1
