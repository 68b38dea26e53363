"""Out of memory: how it is recognised, and the error that says so."""

import torch

from uad_bench.errors import EnvironmentFault

#: Parts of the messages of out-of-memory errors for which PyTorch has no exception class.
MESSAGES = ("DefaultCPUAllocator", "ALLOC_FAILED", "out of memory")
CODE = "UB603"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that the memory of the GPU or of the CPU is exhausted."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in MESSAGES)


def out_of_memory(what: str) -> EnvironmentFault:
    """The error for `what` ("NAME.fit") that needs more memory than there is (UB603)."""
    hint = (
        "lower the number of slices in a training step (METHOD.batch or METHOD.slices, see uad-bench show METHOD) "
        "or the size of the network, or use a device with more memory"
    )
    return EnvironmentFault("out of memory", where=what, hint=hint, code=CODE)
