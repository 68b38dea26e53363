"""DDPM: a slice is noised until lesions drown, and a U-Net restores it; what it does not bring back is anomalous."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uad_bench import Context
from uad_bench.errors import UsageError
from uad_methods.denoising import TIMESTEPS, Denoising, Noise
from uad_methods.parts import diffusion
from uad_methods.parts.batches import Batches
from uad_methods.parts.training.draws import timesteps


@dataclass
class DDPM(Denoising):
    """Restores slices from timestep `start` in one pass, as the baseline of the patched diffusion models does.

    The original, AnoDDPM, is the variant anoddpm: the network guesses the noise, and a chain of passes goes all the
    way down from a smaller timestep. Simplex noise drowns larger anomalies than Gaussian noise does.

    start: timestep of the test, counted from 1. target: what the network is trained to give, the clean slice (L1)
    or the noise (squares). schedule: how the noise grows. trained: timesteps that training draws from, from the
    first. chain: go down step by step, under new noise, with guesses held in [-1, 1]; the score is the squared
    difference. every: timesteps from one step of the chain to the next, 1 as published.
    """

    start: int = 500
    target: Literal["clean", "noise"] = "clean"
    schedule: Literal["cosine", "linear"] = "cosine"
    trained: int = TIMESTEPS
    chain: bool = False
    every: int = 1

    paper: ClassVar[str] = (
        "Wyatt et al. 2022, CVPRW (AnoDDPM); single pass: Behrendt et al. 2023, arXiv 2303.03758"
    )
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "anoddpm": {
            "target": "noise",
            "schedule": "linear",
            "trained": 800,
            "start": 200,
            "chain": True,
            "noise": "simplex3d",
            "average": True,
            "clip": 1.0,
            "checked": 0,
        },
    }
    tiny: ClassVar[Mapping[str, Any]] = {
        "widths": (8, 16),
        "blocks": 1,
        "groups": 4,
        "side": 16,
        "batch": 4,
        "steps": 4,
        "every": 100,
    }

    def __post_init__(self) -> None:
        """Refuse timesteps that there are not."""
        super().__post_init__()
        for name in ("start", "trained", "every"):
            if not 1 <= getattr(self, name) <= TIMESTEPS:
                raise UsageError(f"ddpm.{name} is {getattr(self, name)}", hint=f"give 1 to {TIMESTEPS}")
        if self.start > self.trained:
            raise UsageError(
                f"ddpm.start is {self.start}, and timesteps above {self.trained} are never trained",
                hint="lower start, or raise trained",
            )

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Mean |f(x_t, t) - x_0| over all pixels, or mean (f(x_t, t) - e)^2; t uniform below `trained`."""
        t = timesteps(len(clean), self.trained, key, ctx)
        noise = self.training_noise(clean, key, ctx)
        with ctx.autocast(on_cpu=True):
            prediction: torch.Tensor = net(diffusion.q_sample(clean, noise, t, self._alpha_bar), t)
        if self.target == "noise":
            return (prediction.float() - noise).square().mean()
        return (prediction.float() - clean).abs().mean()

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """One pass from `start`, or the chain from there down to the clean slice."""
        start = self.start - 1
        at = torch.full((len(clean),), start, device=clean.device)
        noised = diffusion.q_sample(clean, noise(start), at, self._alpha_bar)
        if not self.chain:
            return self._predict_clean(noised, start, passes)
        for t, to in diffusion.reverse_timesteps(start, self.every):
            prediction = self._predict_clean(noised, t, passes).clamp(-1, 1)
            fresh = noise(to) if to >= 0 else torch.zeros_like(noised)
            noised = diffusion.reverse_step(noised, prediction, fresh, (t, to), self._alpha_bar)
        return noised

    def _predict_clean(self, noised: torch.Tensor, t: int, passes: Batches) -> torch.Tensor:
        """The clean slices (n, C, X, Y) as the network sees them through the noise of timestep `t`."""
        at = torch.full((len(noised),), t, device=noised.device)
        out = passes.run(len(noised), lambda part: self.net_(noised[part], at[part]).float())
        if self.target == "noise":
            return diffusion.clean_from_noise(noised, out, at, self._alpha_bar)
        return out

    def error(self, clean: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """|x - x_hat| on the scale of the scan, of the chain its square; the mean over modalities, (n, X, Y)."""
        if self.chain:
            return ((clean - restored) / 2).square().mean(dim=1)
        return super().error(clean, restored)

    @property
    def _alpha_bar(self) -> diffusion.AlphaBar:
        return diffusion.cosine(TIMESTEPS) if self.schedule == "cosine" else diffusion.linear(TIMESTEPS)
