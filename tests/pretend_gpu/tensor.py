"""Tensors and generators that report a CUDA device and hold their numbers on the CPU."""

from typing import Any, ClassVar

import numpy as np
import torch

CPU = torch.device("cpu")


def indexed(device: torch.device) -> torch.device:
    """The device with its number: "cuda" is number 0, the current device."""
    return torch.device("cuda", 0) if device.type == "cuda" and device.index is None else device


class Pretend(torch.Tensor):
    """A tensor on a pretended device; `held` contains its numbers."""

    held: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor, device: torch.device) -> "Pretend":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=device,
        )
        made.held = held
        _gpu().memory.allocated(held, device)
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _gpu().execute(func, args, kwargs or {})

    def __getitem__(self, index: Any) -> torch.Tensor:
        return super().__getitem__(self._sent(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(self._sent(index), value)

    def _sent(self, index: Any) -> Any:
        """PyTorch copies lists and numpy arrays that serve as indices to the device, and the host waits."""
        if isinstance(index, tuple):
            return tuple(self._sent(one) for one in index)
        return torch.as_tensor(index).to(self.device) if isinstance(index, (list, np.ndarray)) else index

    def numpy(self, **_: Any) -> Any:
        """Refused, as by a tensor on a GPU."""
        _gpu().note("mixed", "numpy")
        raise TypeError(f"can't convert {self.device} device type tensor to numpy: use Tensor.cpu() first")

    def __array__(self, *_: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        """The numbers, read by the host."""
        return self.cpu().tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        if id(self) in memo:
            return memo[id(self)]
        with torch.no_grad():
            copy = self.clone().requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copy = torch.nn.Parameter(copy.detach(), self.requires_grad)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol: int) -> Any:
        _gpu().note("sync", "saved")
        return self.held.detach().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"Pretend({self.held!r}, {self.device})"


class Generator(torch.Generator):
    """A generator on a pretended device; operations receive another object with the same `_cdata`."""

    homes: ClassVar[dict[int, torch.device]] = {}

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made = super().__new__(cls, "cpu")
        cls.homes[made._cdata] = indexed(torch.device(device))
        return made

    @property
    def device(self) -> torch.device:
        """The device for which the generator was made."""
        return self.homes[self._cdata]

    def manual_seed(self, seed: int) -> "Generator":
        """Seed the generator and return it."""
        super().manual_seed(seed)
        return self


def _gpu() -> Any:
    from tests.pretend_gpu.gpu import Gpu

    assert Gpu.now is not None, "a tensor of the pretended GPU outside of `pretending`"
    return Gpu.now
