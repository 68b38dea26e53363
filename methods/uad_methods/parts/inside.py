"""What a method that rebuilds its input shows of itself: the rebuilt scan."""

from collections.abc import Callable

import torch

from uad_bench import Component, Context, Scan, TorchMethod
from uad_bench.method.slices import Batch


def reconstruction(method: TorchMethod, scan: Scan, ctx: Context, rebuild: Callable[[Batch], torch.Tensor],
                   size: int = 32) -> dict[str, Component]:  # fmt: skip
    """The rebuilt scan inside the brain, on the scan's own scale: a component for each modality.

    rebuild: Batch -> (n, C, X, Y), asked for `size` slices at once.
    """

    def ask(batch: Batch) -> dict[str, torch.Tensor]:
        return {"rebuilt": rebuild(batch).float() * batch.brain[:, None]}

    found = method.component_slices(scan, ctx, ask, size)
    if not found:
        return {}
    several = len(scan.modalities) > 1
    return {
        f"reconstruction {modality}" if several else "reconstruction": Component(volume, "intensity")
        for modality, volume in zip(scan.modalities, found["rebuilt"], strict=True)
    }
