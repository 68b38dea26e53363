"""One optimiser step."""

import torch


def descend(opt: torch.optim.Optimizer, loss: torch.Tensor, clip: float = 0.0) -> None:
    """One step of `opt` on `loss`, a scalar; the gradient's norm is clipped at `clip`, 0 for no clipping."""
    opt.zero_grad()
    torch.autograd.backward(loss)
    if clip:
        torch.nn.utils.clip_grad_norm_([p for group in opt.param_groups for p in group["params"]], clip)
    opt.step()
