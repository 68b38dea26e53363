"""As many images through a network at once as the device's memory holds."""

import logging
from collections.abc import Callable
from typing import Literal

import torch

log = logging.getLogger("uad_bench")

#: How libraries say that memory ended where PyTorch has no error of its own for it.
OUT_OF_MEMORY = ("DefaultCPUAllocator", "ALLOC_FAILED", "out of memory")
INITIAL_SIZE = {"cuda": 256, "cpu": 32}  # where "auto" begins; a CPU gains nothing by more


class Batches:
    """Calls a function for ranges of `size` images.

    "auto", which begins with 256 on a GPU and 32 on a CPU, halves them where memory ends, and stays there.
    """

    def __init__(self, size: int | Literal["auto"], device: str) -> None:
        self.fixed = size != "auto"
        self.size = INITIAL_SIZE.get(torch.device(device).type, 32) if size == "auto" else size
        self.halved = False

    def run(self, count: int, function: Callable[[slice], torch.Tensor]) -> torch.Tensor:
        """`one` of each range of images 0 .. count - 1, one behind the other: (count, ...).

        Raises what was raised where memory ended, if the size is fixed or a single image is too much.
        """
        parts: list[torch.Tensor] = []
        done = 0
        while done < count:
            stop = min(done + self.size, count)
            try:
                parts.append(function(slice(done, stop)))
            except RuntimeError as error:
                if self.fixed or stop - done == 1 or not _is_out_of_memory(error):
                    raise
            else:
                done = stop
                continue
            self._halve(stop - done)  # not in the handler, whose traceback would hold what is to be freed
        return torch.cat(parts)

    def _halve(self, failed_size: int) -> None:
        self.size = failed_size // 2
        if not self.halved:
            log.warning(
                "%d images a pass are more than memory holds; from now on at most %d", failed_size, self.size
            )
        self.halved = True
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(phrase in str(error) for phrase in OUT_OF_MEMORY)
