"""The memory of the pretended devices: bytes of all tensors that are alive, and their maximum."""

import weakref
from collections import Counter
from dataclasses import dataclass, field

import torch

GIB = 2**30


@dataclass
class Memory:
    """Bytes per device. total: of a card. reserved_elsewhere: by other processes. limit: of the largest allocation.

    Only tensors count, not the workspaces of kernels and not what an allocator rounds up.
    """

    total: int = 80 * GIB
    elsewhere: int = GIB
    cached: int = 0  # by the allocator for reuse: not free for the driver, but free for the process
    alive: Counter[torch.device] = field(default_factory=Counter)
    peak: Counter[torch.device] = field(default_factory=Counter)
    _storages: Counter[int] = field(default_factory=Counter)

    def allocated(self, held: torch.Tensor, device: torch.device) -> None:
        """Count a new tensor with the numbers `held`. Raises OutOfMemoryError where a card is full."""
        storage = held.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if not self._storages[key]:
            if device.type == "cuda" and self.alive[device] + size > self.total - self.elsewhere:
                raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / 2**20:.2f} MiB.")
            self.alive[device] += size
            self.peak[device] = max(self.peak[device], self.alive[device])
        self._storages[key] += 1
        weakref.finalize(held, self._freed, key, size, device).atexit = False

    def free(self, device: torch.device) -> int:
        """What the driver reports as free."""
        return self.total - self.elsewhere - self.cached - self.alive[device]

    def _freed(self, key: int, size: int, device: torch.device) -> None:
        self._storages[key] -= 1
        if not self._storages[key]:
            del self._storages[key]
            self.alive[device] -= size
