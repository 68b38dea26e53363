"""Dropout of all methods that have it."""

import pytest
import torch
from torch import nn

from uad_bench import Context
from uad_bench.testing import toy_scans
from uad_methods.ae import AE
from uad_methods.fae import FAE
from uad_methods.svae import SVAE
from uad_methods.uniad import UniAD
from uad_methods.vae import VAE

METHODS = [(AE, {}), (VAE, {}), (SVAE, {}), (FAE, {"extractor": "random"}), (UniAD, {"extractor": "random"})]


def dropped(net):
    return [layer for layer in net.modules() if isinstance(layer, nn.Dropout | nn.Dropout2d)]


@pytest.mark.parametrize(("cls", "more"), METHODS)
def test_dropout_has_the_set_probability_and_acts_only_in_training(cls, more):
    (scan,) = toy_scans(1)
    method = cls(**{**cls.tiny, **more, "dropout": 0.375})
    layers = dropped(method.begin([scan], Context()))
    assert layers and {layer.p for layer in layers} == {0.375}
    seen = []
    for layer in layers:
        layer.register_forward_hook(lambda layer, given, out: seen.append(torch.equal(given[0], out)))
    method.score(scan, Context())
    assert seen and all(seen)
    seen.clear()
    again = cls(**{**cls.tiny, **more, "dropout": 0.375})
    hooked = again.build

    def build():
        net = hooked()
        for layer in dropped(net):
            layer.register_forward_hook(lambda layer, given, out: seen.append(torch.equal(given[0], out)))
        return net

    again.build = build
    again.fit([scan], [scan], Context())
    assert not all(seen)
