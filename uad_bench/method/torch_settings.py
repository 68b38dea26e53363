"""Settings of torch that hold for the whole process and change numbers: read, and restored after a call of a method."""

import os
import sys
from collections.abc import Callable
from typing import Any

import torch

#: Switches of the libraries below torch, as (place, name).
SWITCHES = (
    (torch.backends.cudnn, "enabled"),
    (torch.backends.cudnn, "benchmark"),
    (torch.backends.cudnn, "deterministic"),
)


def torch_settings() -> dict[str, Any]:
    """The settings by the name that a report uses.

    The switches of TF32 are read through `get_float32_matmul_precision` only: since torch 2.9 they cannot be read where
    code has used the newer settings.
    """
    found: dict[str, Any] = {
        "torch threads": torch.get_num_threads(),
        "torch default dtype": torch.get_default_dtype(),
        "torch default device": torch.get_default_device(),
        "torch gradients": torch.is_grad_enabled(),
        "torch deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "torch matmul precision": torch.get_float32_matmul_precision(),
    }
    return found | {f"torch cudnn.{name}": getattr(place, name) for place, name in SWITCHES}


def restore_torch_settings(before: dict[str, Any]) -> None:
    """Set what differs from `before`, an earlier `torch_settings()`."""
    now = torch_settings()
    for name, value in before.items():
        if now[name] != value:
            _set(name, value)


def set_determinism(on: bool, warn_only: bool = False) -> None:
    """As `torch.use_deterministic_algorithms`, without its import of torch's compiler, which takes seconds.

    The compiler reads the environment variable where it is imported later.
    """
    os.environ["TORCHINDUCTOR_DETERMINISTIC"] = "1" if on else "0"
    if "torch._inductor.config" in sys.modules:
        torch.use_deterministic_algorithms(on, warn_only=warn_only)
    else:
        mode = "warn" if warn_only else "error"
        torch.set_deterministic_debug_mode(mode if on else "default")


def _set(name: str, value: Any) -> None:
    places = {f"torch cudnn.{switch}": (place, switch) for place, switch in SWITCHES}
    if name in places:
        setattr(*places[name], value)
    elif name == "torch deterministic algorithms":
        set_determinism(value[0], warn_only=value[1])
    else:
        setters: dict[str, Callable[[Any], Any]] = {
            "torch threads": torch.set_num_threads,
            "torch default dtype": torch.set_default_dtype,
            "torch default device": _set_device,
            "torch gradients": torch.set_grad_enabled,
            "torch matmul precision": torch.set_float32_matmul_precision,
        }
        setters[name](value)


def _set_device(device: torch.device) -> None:
    """None removes a default device; "cpu" as one would slow every call down."""
    torch.set_default_device(None if device == torch.device("cpu") else device)
