"""RMSprop with a mean square that starts at 1: formula, and state through a checkpoint."""

import torch

from uad_methods.parts.training.rmsprop import RMSprop


def quadratic(weight):
    return (weight**2 * torch.tensor([1.0, 10.0])).sum()


def stepped(opt, weight):
    opt.zero_grad()
    quadratic(weight).backward()
    opt.step()


def test_steps_equal_the_formula():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    opt, expected, square = RMSprop([weight], 0.1), weight.detach().clone(), torch.ones(2)
    for _ in range(4):
        gradient = 2 * expected * torch.tensor([1.0, 10.0])
        square = 0.9 * square + 0.1 * gradient**2
        expected = expected - 0.1 * gradient / torch.sqrt(square + 1e-10)
        stepped(opt, weight)
    torch.testing.assert_close(weight.detach(), expected)


def test_a_restored_state_continues_bit_by_bit():
    whole, half = (torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    one, first = RMSprop([whole], 0.1), RMSprop([half], 0.1)
    for _ in range(4):
        stepped(one, whole)
    for _ in range(2):
        stepped(first, half)
    second = RMSprop([half], 0.1)
    second.load_state_dict(first.state_dict())
    for _ in range(2):
        stepped(second, half)
    assert torch.equal(whole, half)


def test_a_weight_without_a_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(2))
    RMSprop([weight], 0.1).step()
    assert torch.equal(weight.detach(), torch.ones(2))
