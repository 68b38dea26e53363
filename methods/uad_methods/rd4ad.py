"""RD4AD: a student rebuilds the feature maps of a frozen teacher from a small embedding; they differ in direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uad_bench import Context, Scan, SliceStack, TorchMethod
from uad_bench.errors import UsageError
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray
from uad_methods.parts.features.distillation import Student, direction_loss, direction_map
from uad_methods.parts.features.extractor import (
    VARIANTS,
    Extractor,
    check_weights,
    learn_without_weights,
    pyramid_of,
)
from uad_methods.parts.features.pyramid import Pyramid
from uad_methods.parts.images.blur import gaussian_blur
from uad_methods.parts.images.square import from_square, to_square
from uad_methods.parts.limits import LIMITS, Limits
from uad_methods.parts.training.descent import descend
from uad_methods.parts.weights import load_into

STAGES = (1, 2, 3)


@dataclass
class RD4AD(TorchMethod):
    """Reverse distillation: a decoder of an embedding imitates a teacher on healthy slices (Deng and Li 2022).

    Anomaly map: 1 - cosine of teacher and student at each position, the sum over three scales, resized to the slice and
    smoothed; 0 to 6. Several modalities are images of their own, whose maps are averaged.

    The paper's teacher has ImageNet weights, which you provide: --set rd4ad.weights=wide_resnet50_2-95faca4d.pth.
    The variant `resnet18` takes those of a ResNet-18. Variants without external weights: `self`, a ResNet-18 that is
    first trained to fill in hidden squares of the healthy training slices, and `random`.

    Hyper-parameters:
        extractor: the teacher: "wide_resnet50", or the variant's name.
        weights: file of its weights.
        sha256: digest of the file, 8 digits or more; not needed where the file name ends in it.
        side: side of the square to which slices are resized, in pixels, a multiple of 32.
        width: channels of the first stage of `self` and `random`.
        loss: "image", one cosine of each image and scale, as published code does, or "position", the mean of
            those of all positions, as the paper says.
        beta1: decay of Adam's mean of the gradients.
        weight_decay: of AdamW; 0 for Adam.
        steps: of the student; the paper's 200 epochs of a class of MVTec AD, of 242 images on average.
        sigma: of the Gaussian that smooths the map, in pixels of the square; 0 for none.
        self_steps: training steps of the teacher of `self`.
    """

    extractor: Extractor = "wide_resnet50"
    weights: str = ""
    sha256: str = ""
    side: int = 256
    width: int = 64
    loss: Literal["image", "position"] = "image"
    lr: float = 5e-3
    beta1: float = 0.5
    weight_decay: float = 0.0
    batch: int = 16
    steps: int = 3_200
    sigma: float = 4.0
    self_steps: int = 2_000

    limits: ClassVar[Limits] = {**LIMITS, "beta1": (0, 0.999), "sigma": (0, 100)}
    paper: ClassVar[str] = "Deng and Li 2022, CVPR, arXiv 2201.10703"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIANTS
    tiny: ClassVar[Mapping[str, Any]] = {
        "side": 64, "width": 4, "batch": 2, "steps": 3, "self_steps": 3, "sigma": 1.0, "lr": 1e-3,
    }  # fmt: skip

    def __post_init__(self) -> None:
        """Raise UsageError for combinations that are neither the paper's method nor a variant."""
        check_weights("rd4ad", self.extractor, self.weights)
        # With 32 pixels the embedding is one number a channel, which has no deviation over positions.
        if self.side % 32 or self.side < 64:
            raise UsageError(f"rd4ad.side is {self.side}", hint="give a multiple of 32, at least 64")

    def seen(self) -> tuple[str, ...]:
        """("imagenet",) where weights are given."""
        return ("imagenet",) if self.weights else ()

    def build(self) -> "TeacherAndStudent":
        """Network: 24,862,528 frozen weights of the WideResNet-50-2 and 83,802,624 trained ones of the student."""
        return TeacherAndStudent(pyramid_of(self.extractor, STAGES, self.width), self.extractor)

    def fit(self, train: Sequence[Scan], val: Sequence[Scan], ctx: Context) -> None:
        """Train the student on slices of `train`; the last weights are kept, as published."""
        self.begin(train, ctx)
        net, stack = self._net, SliceStack(train, ctx)
        if self.weights:
            self.weights_ = load_into(net.teacher.resnet, self.weights, self.sha256)
        sizes = self.side, self.batch, self.self_steps
        learn_without_weights(net.teacher, self.extractor, stack, ctx, sizes)
        net.teacher.requires_grad_(False)
        student, betas = net.student.train(), (self.beta1, 0.999)
        opt = torch.optim.AdamW(student.parameters(), self.lr, betas, weight_decay=self.weight_decay)
        for step in ctx.steps(self.steps, name="student", student=student, opt=opt):
            loss = self.batch_loss(stack.batch(step, self.batch), ctx)
            ctx.log(loss=loss)
            descend(opt, loss)

    def batch_loss(self, batch: Batch, ctx: Context) -> torch.Tensor:
        """Sum over scales of 1 - cosine between teacher and student, the mean over images: a scalar in [0, 6]."""
        with ctx.autocast():
            teacher, student = self._net(to_square(batch.image, self.side))
        return direction_loss(teacher, student, position=self.loss == "position")

    def score(self, scan: Scan, ctx: Context) -> FloatArray:
        """Sum over scales of 1 - cosine, in [0, 6] (X, Y, Z), higher = more anomalous; 0 outside the brain mask."""
        return self.score_slices(scan, ctx, self._map)

    def _map(self, batch: Batch) -> torch.Tensor:
        teacher, student = self._net(to_square(batch.image, self.side))
        maps = direction_map(teacher, student, self.side)
        maps = maps.view(len(batch.image), -1, self.side, self.side).mean(dim=1)
        if self.sigma:
            maps = gaussian_blur(maps, self.sigma)
        x, y = batch.image.shape[-2:]
        return from_square(maps, (x, y)) * batch.brain

    @property
    def _net(self) -> "TeacherAndStudent":
        assert isinstance(self.net_, TeacherAndStudent)
        return self.net_


class TeacherAndStudent(nn.Module):
    """Slices (n, C, side, side) -> maps of a frozen teacher and of its student, finest first: (n C, channels, x, y)."""

    def __init__(self, teacher: Pyramid, extractor: Extractor) -> None:
        super().__init__()
        self.teacher = teacher
        self.student = Student(
            "wide_resnet50" if extractor == "wide_resnet50" else "resnet18", teacher.channels
        )

    def forward(self, images: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        with torch.no_grad():
            teacher = self.teacher(images)
        return teacher, self.student(teacher)
