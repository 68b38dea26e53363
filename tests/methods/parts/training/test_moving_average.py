"""Moving average with warm-up."""

import pytest
import torch

from uad_methods.parts.training.moving_average import MovingAverage


def test_the_decay_of_a_warm_up_rises_from_the_first_update():
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    average, expected = MovingAverage(net, 0.5, warm_up=True), 0.0
    for n in range(1, 20):
        net.weight.data.fill_(float(n))
        average.update(net)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * n
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-5)


def test_a_restored_average_continues_the_warm_up():
    net = torch.nn.Linear(2, 2)
    whole, resumed = MovingAverage(net, 0.9, warm_up=True), MovingAverage(net, 0.9, warm_up=True)
    for value in (1.0, 2.0):
        net.weight.data.fill_(value)
        whole.update(net)
    resumed.load_state_dict(whole.state_dict())
    net.weight.data.fill_(5.0)
    whole.update(net)
    resumed.update(net)
    assert torch.equal(whole.module.weight, resumed.module.weight)
