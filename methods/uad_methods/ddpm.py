"""DDPM: a U-Net restores a noised slice; the anomaly map is the difference from the restoration."""

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
    """Diffusion model that restores slices from timestep `start` in one pass.

    Anomaly map: the mean over modalities of |x - x_hat|. This is the baseline of Behrendt et al. 2023. The
    variant `anoddpm` is the original AnoDDPM (Wyatt et al. 2022): the network predicts the noise, the reverse
    process runs step by step from a smaller timestep, and the map is the squared difference. Simplex noise
    masks larger anomalies than Gaussian noise does. All slices of a batch or volume share a noise field, as
    published; in the variant `slice-noise` each slice has its own.

    Hyper-parameters, in addition to those of `Denoising`:
        start: timestep at test time, counted from 1.
        target: what the network predicts, the clean slice (L1 loss) or the noise (squared loss).
        schedule: noise schedule.
        trained: training draws the timesteps 1 to `trained`.
        chain: run the reverse process step by step, with new noise, predictions clipped to [-1, 1].
        every: timesteps per step of the reverse process; 1 as published.
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
    version: ClassVar[int] = 2  # one noise field for a batch or volume, octaves with one origin
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
            "fields": "slice",  # published: batches of one slice, and slices scored one by one
        },
        "slice-noise": {"target": "clean", "chain": False, "fields": "slice"},
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
        """Raise UsageError for timesteps out of range."""
        super().__post_init__()
        for name in ("start", "trained", "every"):
            if not 1 <= getattr(self, name) <= TIMESTEPS:
                raise UsageError(f"ddpm.{name} is {getattr(self, name)}", hint=f"give 1 to {TIMESTEPS}")
        if self.start > self.trained:
            raise UsageError(
                f"ddpm.start is {self.start}, but training draws timesteps up to {self.trained} only",
                hint="lower ddpm.start, or raise ddpm.trained",
            )

    def loss(self, net: nn.Module, clean: torch.Tensor, key: object, ctx: Context) -> torch.Tensor:
        """Mean of |f(x_t, t) - x_0|, or of (f(x_t, t) - noise)^2, over all pixels: a scalar.

        t is uniform below `trained`.
        """
        t = timesteps(len(clean), self.trained, key, ctx)
        noise = self.training_noise(clean, key, ctx)
        with ctx.autocast(on_cpu=True):
            prediction: torch.Tensor = net(diffusion.q_sample(clean, noise, t, self._alpha_bar), t)
        if self.target == "noise":
            return (prediction.float() - noise).square().mean()
        return (prediction.float() - clean).abs().mean()

    def restore(self, clean: torch.Tensor, noise: Noise, passes: Batches) -> torch.Tensor:
        """Restoration (n, C, X, Y) in one pass from `start`, or by the reverse process from there to timestep 0."""
        start = self.start - 1
        at = torch.full((len(clean),), start, device=clean.device)
        noised = diffusion.q_sample(clean, noise(start), at, self._alpha_bar)
        if not self.chain:
            return self._predict_clean(noised, start, passes)
        for t, to in diffusion.reverse_timesteps(start, self.every):
            prediction = self._predict_clean(noised, t, passes).clamp(-1, 1)
            new_noise = noise(to) if to >= 0 else torch.zeros_like(noised)
            noised = diffusion.reverse_step(noised, prediction, new_noise, (t, to), self._alpha_bar)
        return noised

    def _predict_clean(self, noised: torch.Tensor, t: int, passes: Batches) -> torch.Tensor:
        """The network's prediction of the clean slices (n, C, X, Y) from slices noised to timestep `t`."""
        at = torch.full((len(noised),), t, device=noised.device)
        out = passes.run(len(noised), lambda part: self.net_(noised[part], at[part]).float())
        if self.target == "noise":
            return diffusion.clean_from_noise(noised, out, at, self._alpha_bar)
        return out

    def error(self, clean: torch.Tensor, restored: torch.Tensor) -> torch.Tensor:
        """Anomaly map (n, X, Y): mean over modalities of |x - x_hat| on the scan's scale, squared if `chain` is set."""
        if self.chain:
            return ((clean - restored) / 2).square().mean(dim=1)
        return super().error(clean, restored)

    @property
    def _alpha_bar(self) -> diffusion.AlphaBar:
        return diffusion.cosine(TIMESTEPS) if self.schedule == "cosine" else diffusion.linear(TIMESTEPS)
