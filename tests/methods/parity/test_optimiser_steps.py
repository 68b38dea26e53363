"""Two steps of every method's optimisers against the formulas, with the published rates and constants."""

from collections import defaultdict

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from uad_bench import Context, plugins
from uad_bench.testing import toy_scans


def adam(lr, b1=0.9, b2=0.999, *, decay=0.0, coupled=0.0, largest=False):
    """Kingma and Ba 2015; decay: AdamW's; coupled: weight decay added to the gradient; largest: AMSGrad."""

    def step(w, g, state, t):
        g = g + coupled * w
        w = w * (1 - lr * decay)
        state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
        state["v"] = b2 * state.get("v", 0) + (1 - b2) * g**2
        state["top"] = torch.maximum(state.get("top", state["v"]), state["v"])
        v = state["top"] if largest else state["v"]
        return w - lr * state["m"] / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + 1e-8)

    return step


def rmsprop(lr, decay=0.9, epsilon=1e-10):
    """Tieleman and Hinton 2012, with a mean square that starts at 1 (parity 5)."""

    def step(w, g, state, t):
        state["v"] = decay * state.get("v", torch.ones_like(w)) + (1 - decay) * g**2
        return w - lr * g / (state["v"] + epsilon).sqrt()

    return step


soft_intro = (adam(5e-5), adam(5e-5))
#: Method, a variant or parameters besides those of `tiny`, the formulas of its optimisers in the order of their steps.
FAMILIES = {
    "ae": ({"lr": 1e-4}, (adam(1e-4, 0.5),)),
    "vae": ({"lr": 1e-4}, (adam(1e-4, 0.5),)),
    "svae": ({"lr": 1e-4}, (adam(1e-4, 0.5),)),
    "dae": ({}, (adam(1e-4, coupled=1e-5, largest=True),)),
    "fae": ({"extractor": "random"}, (adam(2e-4),)),
    "ddpm": ({}, (adam(1e-4),)),
    "pddpm": ({}, (adam(1e-4),)),
    "cddpm": ({"pretrained": True}, (adam(1e-4, 0.9, 0.95, decay=0.05), adam(1e-4))),
    "fanogan": ({}, (adam(1e-4, 0.0, 0.9), adam(1e-4, 0.0, 0.9), rmsprop(5e-5))),
    "ra": ({"likeness": "none"}, soft_intro),
    "phanes": ("noperc", (*soft_intro, adam(5e-5), adam(5e-5))),
    "patch2loc": ({"lr": 1e-2}, (adam(1e-2),)),
}


@pytest.fixture
def updates():
    """Per optimiser the weights before, the gradients and the weights after of its first two steps, in float64."""
    found, before = defaultdict(list), {}

    def weights(opt):
        return [p.detach().clone().double() for group in opt.param_groups for p in group["params"]]

    def gradients(opt):
        given = [p.grad for group in opt.param_groups for p in group["params"]]
        return [None if g is None else g.clone().double() for g in given]

    def start(opt, *_):
        before[id(opt)] = weights(opt), gradients(opt)

    def end(opt, *_):
        found[opt].append((*before[id(opt)], weights(opt)))

    hooks = register_optimizer_step_pre_hook(start), register_optimizer_step_post_hook(end)
    yield found
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("name", FAMILIES)
def test_two_steps_equal_the_formula_of_the_published_optimiser(name, updates):
    parameters, formulas = FAMILIES[name]
    cls = plugins.load(plugins.resolve("method", name))
    parameters = cls.variants[parameters] if isinstance(parameters, str) else parameters
    rates = {
        key: getattr(cls, key) for key in ("lr", "gan_lr", "encoder_lr", "masked_lr") if hasattr(cls, key)
    }
    scans = toy_scans(3, shape=(32, 32, 6))
    cls(**{**cls.tiny, **rates, **parameters}).fit(scans, scans[:1], Context())
    assert len(updates) == len(formulas)
    for steps, formula in zip(updates.values(), formulas, strict=True):
        states = defaultdict(dict)
        assert len(steps) >= 2
        for t, (before, gradients, after) in enumerate(steps[:2], 1):
            for i, (w, g, new) in enumerate(zip(before, gradients, after, strict=True)):
                if g is not None:
                    expected = formula(w, g, states[i], t)
                    torch.testing.assert_close(
                        new, expected, rtol=1e-5, atol=2e-7 if name != "patch2loc" else 2e-6
                    )


def test_the_first_step_of_pytorch_s_own_rmsprop_is_ten_times_the_rate():
    """The reason for `parts.training.rmsprop`."""
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.full((1,), 1e-3)
    torch.optim.RMSprop([weight], 5e-5).step()
    assert float(weight.detach()) == pytest.approx(-10 * 5e-5, rel=1e-3)
    assert rmsprop(5e-5)(torch.zeros(1), weight.grad, {}, 1) == pytest.approx(-5e-8, rel=0.06)
