"""Number of weights of a network."""

import torch


def weight_count(net: torch.nn.Module) -> int:
    """Number of trainable and frozen weights, without buffers."""
    return sum(p.numel() for p in net.parameters())
