"""Copies from CPU memory to a GPU for which the CPU does not wait."""

from collections.abc import Sequence

import torch


def sent(tensors: Sequence[torch.Tensor], device: torch.device | str) -> list[torch.Tensor]:
    """CPU tensors on `device`: themselves for the CPU; for a GPU in one copy from pinned memory, without a wait.

    >>> [tensor.tolist() for tensor in sent([torch.arange(2), torch.tensor([True])], "cpu")]
    [[0, 1], [True]]
    """
    if torch.device(device).type == "cpu":
        return list(tensors)
    order = sorted(range(len(tensors)), key=lambda i: -tensors[i].element_size())  # so that all are aligned
    flat = [tensors[i].contiguous().view(-1).view(torch.uint8) for i in order]
    buffer = torch.cat(flat).pin_memory().to(device, non_blocking=True)
    parts = torch.split(buffer, [len(one) for one in flat])
    back = {
        i: part.view(tensors[i].dtype).view(tensors[i].shape) for i, part in zip(order, parts, strict=True)
    }
    return [back[i] for i in range(len(tensors))]
