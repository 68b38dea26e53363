"""pDDPM: a diffusion model noises and restores one patch of a slice at a time, given the clean surroundings."""

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
from uad_methods.parts.images.boxes import box_masks, box_sides, grid_boxes, random_boxes
from uad_methods.parts.networks.diffusion_unet import DiffusionUNet
from uad_methods.parts.training.draws import timesteps

ALPHA_BAR = diffusion.cosine(TIMESTEPS)


@dataclass
class PDDPM(Denoising):
    """Patched diffusion model: one box of a slice is noised and restored, given the clean rest (Behrendt et al. 2023).

    Anomaly map: the mean over modalities of |x - x_hat|; x_hat is composed of the boxes of a grid, restored
    one at a time. The network is not given the position of the noised box.

    Variants: `anywhere`, training noises boxes at random positions instead of those of the grid; `slice-noise`,
    each slice has its own noise field instead of one field for a whole batch or volume; `anywhere-slice-noise`,
    both.

    Hyper-parameters, in addition to those of `Denoising`:
        start: timestep at test time, counted from 1.
        patch: sides of a box; up to 1 a fraction of the slice's sides, above 1 in pixels.
        boxes: positions of the boxes in training.
    """

    start: int = 500
    patch: float = 0.5
    boxes: Literal["grid", "anywhere"] = "grid"

    paper: ClassVar[str] = "Behrendt et al. 2023, MIDL, arXiv 2303.03758"
    version: ClassVar[int] = 2  # one noise field for a batch or volume, octaves with one origin
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "anywhere": {"boxes": "anywhere", "fields": "batch"},
        "slice-noise": {"boxes": "grid", "fields": "slice"},
        "anywhere-slice-noise": {"boxes": "anywhere", "fields": "slice"},
    }
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
        """Raise UsageError for a timestep out of range or a box without size."""
        super().__post_init__()
        if not 1 <= self.start <= TIMESTEPS:
            raise UsageError(f"pddpm.start is {self.start}", hint=f"give 1 to {TIMESTEPS}")
        if self.patch <= 0:
            raise UsageError(
                f"pddpm.patch is {self.patch}", hint="give a fraction of the slice up to 1, or pixels"
            )

    def build(self) -> DiffusionUNet:
        """Denoiser with scale-shift norm, which the baseline `ddpm` does not have: 37,513,857 weights."""
        return self.unet(scale_shift=True)

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """|f(u, t) - x_0| inside one box per slice, averaged over all pixels: a scalar.

        u is the slice, noised inside the box only.
        """
        t = timesteps(len(clean), TIMESTEPS, key, ctx)
        noised = diffusion.q_sample(clean, self.training_noise(clean, key, ctx), t, ALPHA_BAR)
        box = self._random_boxes(clean, key, ctx)
        with ctx.autocast(on_cpu=True):
            prediction = net(torch.where(box, noised, clean), t).float()
        return torch.where(box, prediction - clean, 0.0).abs().mean()

    def _random_boxes(self, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Bool (n, 1, X, Y): one box per slice."""
        rng, (x, y) = ctx.rng("box", key), clean.shape[-2:]
        sides = box_sides((x, y), self.patch)
        if self.boxes == "anywhere":
            found = random_boxes(len(clean), (x, y), sides, rng)
        else:
            grid = grid_boxes((x, y), sides)
            found = grid[rng.integers(len(grid), size=len(clean))]
        return box_masks(found, (x, y), clean.device)

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """Restored slices (n, C, X, Y), composed of all boxes, each restored under the same noise."""
        x, y = clean.shape[-2:]
        boxes = box_masks(grid_boxes((x, y), box_sides((x, y), self.patch)), (x, y), clean.device)
        at = torch.full((len(clean),), self.start - 1, device=clean.device)
        noised = diffusion.q_sample(clean, noise(self.start - 1), at, ALPHA_BAR)
        found = torch.zeros_like(clean)
        for box in boxes:  # all slices at once, one box at a time: memory for one volume
            box_noised = torch.where(box, noised, clean)
            prediction = passes.run(len(clean), partial(self._predict_clean, box_noised, at))
            found = torch.where(box, prediction, found)
        return found

    def _predict_clean(self, noised: torch.Tensor, at: torch.Tensor, part: slice) -> torch.Tensor:
        prediction: torch.Tensor = self.net_(noised[part], at[part]).float()
        return prediction
