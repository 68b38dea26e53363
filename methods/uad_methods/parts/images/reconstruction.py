"""Components of methods that reconstruct their input, and the naming of components per modality."""

from collections.abc import Callable, Iterable
from typing import Literal

import torch

from uad_bench import Component, Context, Scan, TorchMethod
from uad_bench.method.slices import Batch
from uad_bench.types import FloatArray


def reconstruction(
    method: TorchMethod,
    scan: Scan,
    ctx: Context,
    rebuild: Callable[[Batch], torch.Tensor],
    size: int | None = 32,
) -> dict[str, Component]:
    """Reconstructed scan inside the brain mask, on the scan's own scale: one component per modality.

    rebuild: function of a Batch that returns reconstructions (n, C, X, Y), called with `size` slices at
        once; None for all slices of the volume.
    """

    def evaluate(batch: Batch) -> dict[str, torch.Tensor]:
        return {"rebuilt": rebuild(batch).float() * batch.brain[:, None]}

    found = method.component_slices(scan, ctx, evaluate, size)
    return by_modality("reconstruction", scan, found["rebuilt"], "intensity") if found else {}


def by_modality(
    name: str, scan: Scan, volumes: Iterable[FloatArray], kind: Literal["value", "intensity"] = "value"
) -> dict[str, Component]:
    """One component per modality from volumes (X, Y, Z): "name", or "name t2" etc. with several modalities."""
    several = len(scan.modalities) > 1
    return {
        f"{name} {modality}" if several else name: Component(volume, kind)
        for modality, volume in zip(scan.modalities, volumes, strict=True)
    }
