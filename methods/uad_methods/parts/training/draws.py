"""What a diffusion model draws at random: noise, timesteps, and the slices of a batch."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from uad_bench import Context
from uad_methods.parts.training.simplex import simplex_fields, simplex_volume_fields

AT_ONCE = 8  # fields: more take a gigabyte for large slices, and on a CPU more time each

Kind = Literal["simplex", "simplex3d", "gaussian"]


def timesteps(count: int, below: int, key: object, ctx: Context) -> torch.Tensor:
    """Timesteps 0 .. `below` - 1 for a training batch, uniform: int64 (count,)."""
    return _to_device(torch.from_numpy(ctx.rng("t", key).integers(below, size=count)), ctx.device)


def one_slice_per_volume(counts: Sequence[int], step: int, size: int, ctx: Context) -> npt.NDArray[np.int64]:
    """Places in a stack of one random slice of each of `size` volumes: an epoch shows every volume once.

    counts: slices of each volume. Epochs follow each other without a gap, so a batch may belong to two of them.
    """
    lengths = np.asarray(counts, np.int64)
    first, filled = np.cumsum(lengths) - lengths, np.flatnonzero(lengths)
    epochs, positions = np.divmod(np.arange(step * size, (step + 1) * size), len(filled))
    orders = {epoch: ctx.rng("epoch", epoch).permutation(filled) for epoch in set(epochs.tolist())}
    volumes = np.array([orders[epoch][i] for epoch, i in zip(epochs.tolist(), positions, strict=True)])
    within = ctx.rng("slice", step).integers(lengths[volumes])
    return np.asarray(first[volumes] + within, np.int64)


def noise_fields(
    kind: Kind,
    count: int,
    shape: Sequence[int],
    rng: np.random.Generator,
    device: str,
    wavelength: float = 64.0,
) -> torch.Tensor:
    """Independent fields for every slice and channel: float32 (count, C, X, Y) for `shape` (C, X, Y).

    wavelength: pixels of the first octave of simplex noise.
    """
    channels, x, y = shape
    if kind == "gaussian":
        return _to_device(torch.from_numpy(rng.standard_normal((count, *shape), np.float32)), device)
    # At which third coordinate a plane is cut makes no difference: every field begins anywhere in its volume.
    draw = partial(simplex_volume_fields, third=0.0) if kind == "simplex3d" else simplex_fields
    left = [min(AT_ONCE, count * channels - i) for i in range(0, count * channels, AT_ONCE)]
    fields = torch.cat([draw(n, (x, y), rng=rng, device=device, wavelength=wavelength) for n in left])
    return fields.view(count, *shape)


def _to_device(drawn: torch.Tensor, device: str) -> torch.Tensor:
    """On the device; from pinned memory, else the host would wait for the device."""
    return drawn if device == "cpu" else drawn.pin_memory().to(device, non_blocking=True)
