"""What the Python side of torch has to be told so that `cuda`, `cuda:0` and `cuda:1` exist."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch.optim import optimizer as torch_optimizer

from tests.pretend_gpu import recurrent
from tests.pretend_gpu.gpu import Gpu
from tests.pretend_gpu.tensor import Generator, Pretend, indexed


@contextmanager
def pretending(**options: Any) -> Iterator[Gpu]:
    """A block in which the pretended GPU exists; `options` are fields of `Gpu`."""
    gpu = Gpu(**options)
    with ExitStack() as stack:
        for owner, name, value in _replacements(gpu):
            stack.enter_context(mock.patch.object(owner, name, value))
        for place in ("torch.utils._foreach_utils", "torch.nn.utils.clip_grad"):
            stack.enter_context(mock.patch(f"{place}._has_foreach_support", _foreach_support))
        stack.enter_context(torch.autograd.set_multithreading_enabled(False))  # backward then knows our lines
        stack.enter_context(gpu)
        before, Gpu.now = Gpu.now, gpu
        try:
            yield gpu
        finally:
            Gpu.now = before


def _replacements(gpu: Gpu) -> Iterator[tuple[Any, str, Any]]:
    for name, value in {**_facts(gpu), **_random_states()}.items():
        yield torch.cuda, name, value
    yield torch, "tensor", _tensor(torch.tensor)
    yield torch, "as_tensor", _as_tensor(torch.as_tensor)
    yield torch, "Generator", Generator
    yield torch.Tensor, "new_tensor", _new_tensor(torch.Tensor.new_tensor, torch.tensor)
    yield torch.Tensor, "pin_memory", _pinned
    yield torch.nn.Module, "_apply", _apply(torch.nn.Module._apply)
    yield torch.nn.modules.rnn._VF, "gru", recurrent.gru(torch.nn.modules.rnn._VF.gru)
    yield torch_optimizer, "_foreach_supported_types", [*torch_optimizer._foreach_supported_types, Pretend]


def _facts(gpu: Gpu) -> dict[str, Any]:
    """The functions of `torch.cuda` that describe the device."""

    def place(device: Any = None) -> torch.device:
        if device is None or isinstance(device, int):
            return torch.device("cuda", device or 0)
        return indexed(torch.device(device))

    def properties(device: Any = None) -> Any:
        return SimpleNamespace(major=gpu.major, minor=0, name="pretended GPU", total_memory=gpu.memory.total)

    def reset(device: Any = None) -> None:
        gpu.memory.peak[place(device)] = gpu.memory.alive[place(device)]

    def empty_cache() -> None:
        gpu.memory.cached = 0

    return {
        "is_available": lambda: True,
        "_lazy_init": lambda: None,
        "is_initialized": lambda: True,
        "current_device": lambda: 0,
        "device_count": lambda: 2,
        "get_device_name": lambda device=None: f"pretended GPU {place(device).index}",
        "get_device_properties": properties,
        "get_device_capability": lambda device=None: (gpu.major, 0),
        "is_bf16_supported": lambda including_emulation=True: including_emulation or gpu.major >= 8,
        "synchronize": lambda device=None: gpu.note("sync", f"synchronize {place(device)}"),
        "mem_get_info": lambda device=None: (gpu.memory.free(place(device)), gpu.memory.total),
        "memory_reserved": lambda device=None: gpu.memory.alive[place(device)] + gpu.memory.cached,
        "memory_allocated": lambda device=None: gpu.memory.alive[place(device)],
        "max_memory_allocated": lambda device=None: gpu.memory.peak[place(device)],
        "reset_peak_memory_stats": reset,
        "empty_cache": empty_cache,
    }


def _random_states() -> dict[str, Any]:
    """The CPU's random stream takes the place of CUDA's."""
    return {
        "get_rng_state": lambda device="cuda": torch.get_rng_state(),
        "set_rng_state": lambda state, device="cuda": torch.set_rng_state(state),
        "get_rng_state_all": lambda: [torch.get_rng_state()] * 2,
        "set_rng_state_all": lambda states: torch.set_rng_state(states[0]),
        "manual_seed_all": lambda seed: None,
        "manual_seed": lambda seed: None,
    }


def _tensor(real: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def tensor(data: Any, *, device: Any = None, **options: Any) -> torch.Tensor:
        plain = real(data, **options)
        return plain if device is None else plain.to(device)

    return tensor


def _as_tensor(real: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> torch.Tensor:
        plain = data if isinstance(data, torch.Tensor) else real(data, dtype=dtype)
        return plain.to(device=device or plain.device, dtype=dtype or plain.dtype)

    return as_tensor


def _new_tensor(real: Callable[..., torch.Tensor], tensor: Callable[..., torch.Tensor]) -> Any:
    def new_tensor(
        self: torch.Tensor, data: Any, *, dtype: Any = None, device: Any = None, **options: Any
    ) -> torch.Tensor:
        if not isinstance(self, Pretend) and device is None:
            return real(self, data, dtype=dtype, **options)
        kind = dtype or (self.dtype if self.dtype.is_floating_point else None)
        return tensor(data, dtype=kind, **options).to(device or self.device)

    return new_tensor


def _pinned(self: torch.Tensor, device: Any = None) -> torch.Tensor:
    if isinstance(self, Pretend):
        raise RuntimeError("cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned")
    copy = self.clone()
    copy.pinned = True  # type: ignore[attr-defined]
    return copy


def _apply(real: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: torch.nn.Module, fn: Callable[..., torch.Tensor], recurse: bool = True) -> Any:
        """Parameters stay the same objects, as they do between a CPU and a real GPU."""
        before = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            return real(self, fn, recurse)
        finally:
            torch.__future__.set_swap_module_params_on_conversion(before)

    return apply


def _foreach_support(tensors: Sequence[torch.Tensor], device: torch.device) -> bool:
    return device.type == "cuda" and all(t is None or isinstance(t, torch.Tensor) for t in tensors)
