"""The one step that every training takes."""

import torch


def descend(opt: torch.optim.Optimizer, loss: torch.Tensor, clip: float = 0.0) -> None:
    """Move what `opt` holds down the gradient of `loss`, a scalar, held at a norm of `clip`; 0: as it is."""
    opt.zero_grad()
    torch.autograd.backward(loss)
    if clip:
        torch.nn.utils.clip_grad_norm_([p for group in opt.param_groups for p in group["params"]], clip)
    opt.step()
