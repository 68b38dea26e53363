"""Features of all training slices, computed once where memory allows it."""

import logging
from collections.abc import Callable

import numpy as np
import torch

from uad_bench import Context, SliceStack
from uad_bench.method.precision import whole_float32
from uad_bench.method.transfer import sent

log = logging.getLogger("uad_bench")

#: Bytes of kept features at most. A constant, not a share of the free memory, so that all machines compute the same.
LIMIT = 2**32
#: Slices at once while features are computed.
AT_ONCE = 32


class KeptFeatures:
    """Features of the slices of a stack by a frozen network, in fp16: kept, or computed for each batch above `LIMIT`.

    features: images (n, C, X, Y) -> (n, ...), the same for a slice in every call. They lie where the stack lies.
    `batch(step, size)` is a pure function of (seed, step).
    """

    def __init__(
        self, stack: SliceStack, features: Callable[[torch.Tensor], torch.Tensor], ctx: Context
    ) -> None:
        self.stack, self.features, self.ctx = stack, features, ctx
        self.kept: torch.Tensor | None = None
        one = self._computed(np.arange(1))
        size = one.nbytes * len(stack)
        if size > LIMIT:
            log.info("%.1f GiB of features are not kept but computed in every step", size / 2**30)
            return
        log.info("%.2f GiB of memory for features", size / 2**30)
        self.kept = torch.empty((len(stack), *one.shape[1:]), dtype=one.dtype, device=stack.images.device)
        for first in range(0, len(stack), AT_ONCE):
            index = np.arange(first, min(first + AT_ONCE, len(stack)))
            self.kept[first : first + AT_ONCE].copy_(self._computed(index))

    def batch(self, step: int, size: int) -> torch.Tensor:
        """Features (size, ...), float32, of slices drawn uniformly, without replacement where the stack has as many."""
        rng = self.ctx.rng("features", self.stack.name, step)
        return self.take(rng.choice(len(self.stack), size, replace=size > len(self.stack)))

    def take(self, index: "np.typing.NDArray[np.int64]") -> torch.Tensor:
        """Features of the slices at the positions `index` (n,) of the stack, float32, on the run's device."""
        if self.kept is None:
            return self._computed(index).float()
        (at,) = sent([torch.as_tensor(index)], self.kept.device)
        part = self.kept[at]
        return (part if self.kept.is_cuda else sent([part], self.ctx.device)[0]).float()

    def _computed(self, index: "np.typing.NDArray[np.int64]") -> torch.Tensor:
        with torch.no_grad(), whole_float32():
            return self.features(self.stack.take(index).image).half()
