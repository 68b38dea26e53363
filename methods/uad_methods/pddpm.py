"""pDDPM: only one patch of a slice is noised and restored at a time, from the clean rest around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uad_bench import Context
from uad_bench.errors import UsageError
from uad_methods.denoising import TIMESTEPS, Denoising, Noise
from uad_methods.parts import diffusion
from uad_methods.parts.batches import Batches
from uad_methods.parts.images.boxes import box_sides, grid_boxes, inside, random_boxes
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet
from uad_methods.parts.training.draws import timesteps

ALPHA_BAR = diffusion.cosine(TIMESTEPS)


@dataclass
class PDDPM(Denoising):
    """The diffusion baseline, box by box: the network sees where the noise is, and the anatomy around it.

    The boxes of a grid are restored one at a time and put together; the score is |x - x_hat|, the mean over
    modalities. Nothing tells the network which box is noised.

    start: timestep of the test, counted from 1. patch: sides of a box, up to 1 as a share of the slice's, above
    it in pixels. boxes: training noises boxes of the grid, or boxes anywhere.
    """

    start: int = 500
    patch: float = 0.5
    boxes: Literal["grid", "anywhere"] = "grid"

    paper: ClassVar[str] = "Behrendt et al. 2023, MIDL, arXiv 2303.03758"
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {"anywhere": {"boxes": "anywhere"}}
    tiny: ClassVar[Mapping[str, Any]] = {
        "widths": (8, 16),
        "blocks": 1,
        "groups": 4,
        "side": 16,
        "batch": 4,
        "steps": 4,
        "checked": 4,
    }

    def __post_init__(self) -> None:
        """Refuse a timestep or a box that there is not."""
        super().__post_init__()
        if not 1 <= self.start <= TIMESTEPS:
            raise UsageError(f"pddpm.start is {self.start}", hint=f"give 1 to {TIMESTEPS}")
        if self.patch <= 0:
            raise UsageError(f"pddpm.patch is {self.patch}", hint="give a share of the slice, or pixels")

    def build(self) -> DiffusionUNet:
        """The denoiser, with scale-shift norm, which the baseline's has not: 37,513,857 weights."""
        return self.unet(scale_shift=True)

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """|f(u, t) - x_0| inside of one box a slice, over all pixels of the slice; u is noised in the box alone."""
        t = timesteps(len(clean), TIMESTEPS, key, ctx)
        noised = diffusion.q_sample(clean, self.training_noise(clean, key, ctx), t, ALPHA_BAR)
        box = self._random_boxes(clean, key, ctx)
        with ctx.autocast(on_cpu=True):
            prediction = net(torch.where(box, noised, clean), t).float()
        return torch.where(box, prediction - clean, 0.0).abs().mean()

    def _random_boxes(self, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Bool (n, 1, X, Y): one box a slice."""
        rng, (x, y) = ctx.rng("box", key), clean.shape[-2:]
        sides = box_sides((x, y), self.patch)
        if self.boxes == "anywhere":
            found = random_boxes(len(clean), (x, y), sides, rng)
        else:
            grid = grid_boxes((x, y), sides)
            found = grid[rng.integers(len(grid), size=len(clean))]
        return inside(found, (x, y), clean.device)

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """All boxes of all slices, each restored under the same noise, put together."""
        x, y = clean.shape[-2:]
        boxes = inside(grid_boxes((x, y), box_sides((x, y), self.patch)), (x, y), clean.device)
        at = torch.full((len(clean),), self.start - 1, device=clean.device)
        noised = diffusion.q_sample(clean, noise(self.start - 1), at, ALPHA_BAR)
        found = torch.zeros_like(clean)
        for box in boxes:  # all slices at once, a box at a time: nothing larger than the volume is kept
            box_noised = torch.where(box, noised, clean)
            prediction = passes.run(len(clean), partial(self._predict_clean, box_noised, at))
            found = torch.where(box, prediction, found)
        return found

    def _predict_clean(self, noised: torch.Tensor, at: torch.Tensor, part: slice) -> torch.Tensor:
        prediction: torch.Tensor = self.net_(noised[part], at[part]).float()
        return prediction
