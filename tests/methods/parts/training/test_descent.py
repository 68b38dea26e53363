"""Optimiser step with a clipped gradient."""

import torch

from uad_methods.parts.training.descent import descend


def test_the_gradient_norm_is_clipped():
    weight = torch.nn.Parameter(torch.zeros(4))
    opt = torch.optim.SGD([weight], 1.0)
    descend(opt, (weight * torch.tensor([3.0, 0, 4.0, 0])).sum(), 0.5)
    torch.testing.assert_close(weight.detach(), -0.5 * torch.tensor([0.6, 0, 0.8, 0]))
    descend(opt, weight.sum())
    torch.testing.assert_close(weight.detach(), -0.5 * torch.tensor([0.6, 0, 0.8, 0]) - 1)
