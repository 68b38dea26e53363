"""Training the published network on a GPU: a step of fixed shapes that never asks the device for a number.

The published sampler draws candidates and drops those without enough brain. How many are left is known to the device
alone, so the host must wait for it in every step, and no kernel can be chosen once for all. Here the count is fixed
and every draw falls on a place with enough brain.
"""

from collections.abc import Callable

import torch

from uad_bench import SliceStack
from uad_methods.patch2loc.patches import Positions, brain_share, cut, locations, padded
from uad_methods.patch2loc.sampling import Sample

Draw = Callable[[torch.Tensor], Positions]


def draw_positions(enough: torch.Tensor, count: int, rng: torch.Generator) -> Positions:
    """`count` uniform draws, with replacement, among the places where `enough` (n, X, Y) is true.

    The rank of a place is drawn and looked up in the running count of places. Given their number, these are the draws
    that `patches.drawn` keeps: independent, each place alike. What differs is that the number does not vary (there its
    standard deviation is sqrt(c p (1 - p)) for c candidates, 90 of 17,500, plus that of brain in the slices drawn).
    Where no place has enough, which cannot be known without waiting, the last pixel of the last slice is drawn.
    """
    running_count = enough.flatten().cumsum(0)
    share = torch.rand(count, generator=rng, device=enough.device, dtype=torch.float64)
    rank = (share * running_count[-1]).long()
    flat = torch.searchsorted(running_count, rank, right=True).clamp_(max=enough.numel() - 1)
    _, X, Y = enough.shape
    return Positions(
        flat // (X * Y), flat // Y % X, flat % Y
    )  # unravel_index copies shapes to the device, and waits


def sample_static(
    images: torch.Tensor,
    height: torch.Tensor,
    enough: torch.Tensor,
    side: int,
    count: int,
    rng: torch.Generator,
) -> Sample:
    """`sampling.sample_patches` with exactly `count` patches, all of them with enough brain; no host sync."""
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
    """`sampling.sample_strided` at those places with enough brain that `draw` picks; no host sync."""
    x, y = first
    at = draw(enough[:, x::jump, y::jump])
    target = locations(images)[x::jump, y::jump][at.x, at.y]
    return Sample(padded(images, side)[:, :, x:, y:], height, at, target)


def expected_count(stack: SliceStack, side: int, brain: float, candidates: int) -> int:
    """How many of `candidates` the published sampler keeps in the mean, from slices at even steps of the stack.

    At least 2, which batch statistics need. Waits for the device once, so ask before the first step.
    """
    enough = brain_share(stack.spread(256).brain, side) >= brain
    return max(2, round(candidates * enough.double().mean().item()))


def adam(net: torch.nn.Module, lr: float) -> torch.optim.Adam:
    """Adam; on a GPU all weights are updated by one kernel."""
    return torch.optim.Adam(net.parameters(), lr, fused=next(net.parameters()).is_cuda or None)


def prepare_network(net: torch.nn.Module, *, compiled: bool = False) -> None:
    """Make `net` ready for quick steps, in place: channels last on a GPU, compiled where asked for.

    Names of weights stay. Compiled steps are recorded as CUDA graphs: that needs shapes that do not change, so
    `sample_static`, and a C++ compiler on the machine.
    """
    if next(net.parameters()).is_cuda:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if compiled:
        net.compile(mode="reduce-overhead", dynamic=False)
