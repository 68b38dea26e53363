"""Exponential moving average of a network's weights, and a training that keeps it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from uad_bench import Context
from uad_methods.parts.training.descent import descend


class MovingAverage(nn.Module):
    """A copy of a network whose weights follow it: after every update, decay times the old plus the rest of the new.

    The first update copies the weights; buffers are always copied. The same numbers as those of torch's
    `AveragedModel`, which asks the device for the number of updates in every step.

        warm_up: the average begins as the initial weights, and update n = 1, 2, ... has decay (1 + n) / (10 + n), at
            most `decay`, so that the initial weights do not dominate a short training.
    """

    def __init__(self, net: nn.Module, decay: float, *, warm_up: bool = False) -> None:
        super().__init__()
        self.module = copy.deepcopy(net)
        self.decay, self.warm_up, self.updates = decay, warm_up, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Follow `net` by one step."""
        averages: list[torch.Tensor] = list(self.module.parameters())
        weights: list[torch.Tensor] = list(net.parameters())
        if self.updates or self.warm_up:
            torch._foreach_lerp_(averages, weights, 1 - self._decay_now())
        else:
            torch._foreach_copy_(averages, weights)
        for average, value in zip(self.module.buffers(), net.buffers(), strict=True):
            average.copy_(value)
        self.updates += 1

    def _decay_now(self) -> float:
        """Decay of the next update."""
        number = self.updates + 1
        return min(self.decay, (1 + number) / (10 + number)) if self.warm_up else self.decay

    def get_extra_state(self) -> dict[str, Any]:
        """The number of updates, for checkpoints."""
        return {"updates": self.updates}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Read what `get_extra_state` returned."""
        self.updates = int(state["updates"])


def train_averaged(
    method: Any,
    net: nn.Module,
    steps: int,
    loss_at: Callable[[int], torch.Tensor],
    ctx: Context,
    name: str = "",
) -> nn.Module:
    """The moving average of a network's weights over a training by AdamW on `loss_at(step)`, a scalar.

    method: gives `lr`, `weight_decay` and `decay`. name: of the phase, for a method with several.
    """
    opt = torch.optim.AdamW(net.parameters(), method.lr, weight_decay=method.weight_decay)
    average = MovingAverage(net, method.decay, warm_up=True)
    for step in ctx.steps(steps, name=name, net=net, opt=opt, average=average):
        loss = loss_at(step)
        ctx.log(loss=loss)
        descend(opt, loss)
        average.update(net)
    return average.module
