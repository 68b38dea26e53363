"""RMSprop (Tieleman and Hinton 2012) with the defaults of the framework that f-AnoGAN was published in."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

DECAY, EPSILON = 0.9, 1e-10


class RMSprop(torch.optim.Optimizer):
    """RMSprop whose mean square starts at 1.

    m = 0.9 m + 0.1 g^2, w = w - lr g / sqrt(m + 1e-10). PyTorch's own starts at 0 with a decay of 0.99, so that its
    first step is 10 lr for any gradient; here the first steps are shorter than lr for gradients below 1.
    """

    def __init__(self, params: Iterable[torch.nn.Parameter], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of all weights that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    _update(weight, weight.grad, group["lr"], self.state[weight])


def _update(weight: torch.Tensor, gradient: torch.Tensor, lr: float, state: dict[str, Any]) -> None:
    if not state:
        state["mean_square"] = torch.ones_like(weight)
    mean_square = state["mean_square"].mul_(DECAY).addcmul_(gradient, gradient, value=1 - DECAY)
    weight.addcdiv_(gradient, (mean_square + EPSILON).sqrt_(), value=-lr)
