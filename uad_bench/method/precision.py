"""Float32 without TF32: by default PyTorch rounds the inputs of convolutions to TF32 on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def whole_float32() -> Iterator[None]:
    """A block in which convolutions, recurrent layers and matrix products of float32 are computed in float32.

    PyTorch has one switch for each library, and since 2.9 a setting for each kind of operation. The switches cannot be
    read where code has used the settings, and settings break reading the switches, so the switches come first.
    """
    before = [(place, name, getattr(place, name)) for place, name in _settings()]
    try:
        for place, name, _ in before:
            setattr(place, name, "ieee" if name == "fp32_precision" else False)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def _settings() -> list[tuple[Any, str]]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    if _settings_are_used():
        kinds: list[Any] = [cudnn.conv, cudnn.rnn, matmul]  # type: ignore[attr-defined]
        return [(kind, "fp32_precision") for kind in kinds]
    return [(cudnn, "allow_tf32"), (matmul, "allow_tf32")]


def _settings_are_used() -> bool:
    """Whether code has set `torch.backends.fp32_precision` or one of its kinds."""
    cudnn = torch.backends.cudnn
    if any(getattr(place, "fp32_precision", "none") != "none" for place in (torch.backends, cudnn)):
        return True
    try:
        _ = cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    except RuntimeError:  # settings and switches contradict each other
        return True
    return False
