"""As many images per pass through a network as fit in memory."""

import logging
from collections.abc import Callable
from typing import Literal

import torch

from uad_bench.method.out_of_memory import is_out_of_memory

log = logging.getLogger("uad_bench")

INITIAL_SIZE = {"cuda": 256, "cpu": 32}  # initial size of "auto"; larger batches are not faster on a CPU


class Batches:
    """Runs a function over ranges of at most `size` images.

    "auto" starts with 256 on a GPU and 32 on a CPU; where memory is exhausted the size is halved, for all
    later ranges too.
    """

    def __init__(self, size: int | Literal["auto"], device: str) -> None:
        self.fixed = size != "auto"
        self.size = INITIAL_SIZE.get(torch.device(device).type, 32) if size == "auto" else size
        self.halved = False

    def run(self, count: int, function: Callable[[slice], torch.Tensor]) -> torch.Tensor:
        """Concatenated results of `function` for consecutive ranges of images 0 .. count - 1: (count, ...).

        Raises the out-of-memory error if the size is fixed or a single image does not fit.
        """
        parts: list[torch.Tensor] = []
        done = 0
        while done < count:
            stop = min(done + self.size, count)
            try:
                parts.append(function(slice(done, stop)))
            except RuntimeError as error:
                if self.fixed or stop - done == 1 or not is_out_of_memory(error):
                    raise
            else:
                done = stop
                continue
            self._halve(stop - done)  # outside the handler, whose traceback keeps references to the memory
        return torch.cat(parts)

    def _halve(self, failed_size: int) -> None:
        self.size = failed_size // 2
        if not self.halved:
            log.warning(
                "a pass of %d images does not fit in memory; from now on at most %d per pass",
                failed_size,
                self.size,
            )
        self.halved = True
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
