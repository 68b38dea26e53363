"""Facts of networks."""

from torch import nn


def count(net: nn.Module) -> int:
    """The number of weights."""
    return sum(p.numel() for p in net.parameters())
