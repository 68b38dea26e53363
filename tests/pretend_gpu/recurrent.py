"""A packed GRU on the pretended GPU: forward and backward on the CPU, where a GPU has one kernel of cuDNN."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.pretend_gpu.tensor import Pretend


class Gru(torch.autograd.Function):
    """The GRU of a CPU, of tensors that are held."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], *tensors: Any) -> Any:
        ctx.given = [
            t.held.detach().requires_grad_(t.requires_grad) if isinstance(t, Pretend) else t for t in tensors
        ]
        with torch.enable_grad():
            ctx.out = run(*ctx.given)
        home = next(t.device for t in tensors if isinstance(t, Pretend))
        return tuple(Pretend(one.detach(), home) for one in ctx.out)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        wanted = [t for t in ctx.given if isinstance(t, torch.Tensor) and t.requires_grad]
        with torch.enable_grad():
            found = iter(torch.autograd.grad(ctx.out, wanted, [g.held for g in grads], allow_unused=True))
        home = grads[0].device
        out = [next(found) if isinstance(t, torch.Tensor) and t.requires_grad else None for t in ctx.given]
        return None, *(None if g is None else Pretend(g, home) for g in out)


def gru(real: Callable[..., Any]) -> Callable[..., Any]:
    """`torch._VF.gru` for packed sequences on the pretended GPU, and `real` for others."""

    def packed(data: Any, sizes: Any, state: Any, weights: Sequence[Any], *rest: Any) -> Any:
        if not isinstance(data, Pretend):
            return real(data, sizes, state, weights, *rest)
        as_one = [w.to(data.dtype) if torch.is_autocast_enabled("cuda") else w for w in weights]
        return Gru.apply(lambda d, h, *w: real(d, sizes, h, w, *rest), data, state, *as_one)

    return packed
