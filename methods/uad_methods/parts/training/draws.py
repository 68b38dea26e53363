"""Random draws of diffusion methods: noise, timesteps, and the slices of a batch."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from uad_bench import Context
from uad_bench.method.transfer import sent
from uad_methods.parts.training.opensimplex import published_fields
from uad_methods.parts.training.simplex import simplex_fields, simplex_volume_fields

AT_ONCE = 8  # fields per call: more need a gigabyte for large slices, and on a CPU more time per field

Kind = Literal["simplex", "stationary", "simplex3d", "gaussian"]

#: Functions that draw simplex noise. The third coordinate makes no difference: every field of 3D noise starts at a
#: random point of its volume.
DRAWS: Mapping[str, Callable[..., torch.Tensor]] = {
    "simplex": published_fields,
    "stationary": simplex_fields,
    "simplex3d": partial(simplex_volume_fields, third=0.0),
}


def timesteps(count: int, below: int, key: object, ctx: Context) -> torch.Tensor:
    """Uniform timesteps 0 .. `below` - 1 of a training batch: int64 (count,)."""
    (drawn,) = sent([torch.from_numpy(ctx.rng("t", key).integers(below, size=count))], ctx.device)
    return drawn


def one_slice_per_volume(counts: Sequence[int], step: int, size: int, ctx: Context) -> npt.NDArray[np.int64]:
    """Indices in a stack of one random slice of each of `size` volumes; every volume is drawn once per epoch.

    Epochs are consecutive, so a batch may belong to two of them.

        counts: number of slices of each volume.
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
    """Independent noise fields for every slice and channel: float32 (count, C, X, Y) for `shape` (C, X, Y).

    wavelength: of the first octave of simplex noise, in pixels.
    """
    channels, x, y = shape
    if kind == "gaussian":
        (fields,) = sent([torch.from_numpy(rng.standard_normal((count, *shape), np.float32))], device)
        return fields
    draw = DRAWS[kind]
    chunks = [min(AT_ONCE, count * channels - i) for i in range(0, count * channels, AT_ONCE)]
    fields = torch.cat([draw(n, (x, y), rng=rng, device=device, wavelength=wavelength) for n in chunks])
    return fields.view(count, *shape)
