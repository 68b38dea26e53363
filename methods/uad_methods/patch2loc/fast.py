"""Training on a GPU without synchronisation: steps with a fixed number of patches.

The published sampler draws candidates and drops those without enough brain. Only the GPU knows how many
remain, so the CPU waits for it in every step, and kernels cannot be chosen in advance. Here the number is
fixed and every draw is a position with enough brain.
"""

from collections.abc import Callable

import torch

from uad_bench import SliceStack
from uad_methods.patch2loc.patches import Positions, brain_share, cut, locations, padded, unraveled
from uad_methods.patch2loc.sampling import Sample

Draw = Callable[[torch.Tensor], Positions]


def draw_positions(enough: torch.Tensor, count: int, rng: torch.Generator) -> Positions:
    """`count` uniform draws, with replacement, of positions where `enough` (n, X, Y) is true.

    The rank of a position is drawn and looked up in the running count of positions. Given their number, these
    are the draws that `patches.draw_candidates` keeps: independent and uniform. Only the number does not vary
    (there its standard deviation is sqrt(c p (1 - p)) for c candidates, 90 of 17,500, plus that of brain in
    the slices drawn). Where no position has enough brain, which cannot be known without synchronisation, the
    last pixel of the last slice is drawn.
    """
    running_count = enough.flatten().cumsum(0)
    share = torch.rand(count, generator=rng, device=enough.device, dtype=torch.float64)
    rank = (share * running_count[-1]).long()
    flat = torch.searchsorted(running_count, rank, right=True).clamp_(max=enough.numel() - 1)
    return unraveled(flat, enough.shape)


def sample_static(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    count: int,
    rng: torch.Generator,
) -> Sample:
    """`sampling.sample_patches` with exactly `count` patches, all with enough brain; no synchronisation."""
    at = draw_positions(enough, count, rng)
    target = locations(images)[at.x, at.y]
    return Sample(cut(padded(images, side), at, side), height[at.slice], None, target)


def sample_strided_static(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    jump: int,
    first: tuple[int, int],
    draw: Draw,
) -> Sample:
    """`sampling.sample_strided` at the positions with enough brain that `draw` selects; no synchronisation."""
    x, y = first
    at = draw(enough[:, x::jump, y::jump])
    target = locations(images)[x::jump, y::jump][at.x, at.y]
    return Sample(padded(images, side)[:, :, x:, y:], height, at, target)


def expected_count(stack: SliceStack, side: int, brain: float, candidates: int) -> int:
    """Mean number of `candidates` that the published sampler keeps, estimated from equally spaced slices of the stack.

    At least 2, which batch statistics need. Synchronises with the device once; call it before training.
    """
    enough = brain_share(stack.spread(256).brain, side) >= brain
    return max(2, round(candidates * enough.double().mean().item()))


def adam(net: torch.nn.Module, lr: float) -> torch.optim.Adam:
    """Adam; on a GPU one kernel updates all weights."""
    return torch.optim.Adam(net.parameters(), lr, fused=next(net.parameters()).is_cuda or None)


def prepare_network(net: torch.nn.Module, *, compiled: bool = False) -> None:
    """Prepare `net` for fast training, in place: channels last, compiled if `compiled` is set.

    Names of weights stay. Compiled steps are recorded as CUDA graphs, which needs constant shapes
    (`sample_static`) and a C++ compiler.
    """
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if compiled:
        net.compile(mode="reduce-overhead", dynamic=False)
