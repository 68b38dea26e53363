"""Scans and networks for the tests of Patch2Loc."""

from typing import Any

import numpy as np
import pytest
import torch

from uad_bench import Context, Scan
from uad_bench.method.loop_state import Policy
from uad_methods.patch2loc import Patch2Loc
from uad_methods.patch2loc.locator import Locator

SHAPE = (20, 24, 6)
NETWORKS = ("resnet", "conv")


def scan(number: int, *, moved: bool = False) -> Scan:
    """A ball whose intensity encodes x and y; `moved`: a region on the right shows what belongs to the left."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    brain = x**2 + y**2 + z**2 < 0.9
    image = 0.5 + 0.25 * x + 0.15 * np.sin(3 * y)
    image += 0.01 * np.random.default_rng(number).standard_normal(SHAPE)
    if moved:
        image[10:18, 8:16] = image[2:10, 8:16]
    stripped = (image * brain).astype(np.float32)[None]
    return Scan(f"toy{number}", ("t2",), stripped, brain, np.eye(4), (2.0, 2.0, 2.0))


TRAIN, VAL = [scan(i) for i in range(4)], [scan(9)]


def tiny(network: str, **other: Any) -> Patch2Loc:
    return Patch2Loc(**{**Patch2Loc.tiny, "network": network, **other})


def fitted(network: str, policy: Policy | None = None, **other: Any) -> Patch2Loc:
    method = tiny(network, **other)
    method.fit(TRAIN, VAL, Context(seed=1, policy=policy or Policy()))
    return method


def make_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """ResNets built from here on have few channels, for tests that do not depend on its size."""
    monkeypatch.setattr("uad_methods.patch2loc.encoders.resnet.WIDTHS", (4, 8, 8, 16))
    monkeypatch.setattr("uad_methods.patch2loc.options.LATENT", 16)


def with_statistics(net: Locator, patch: int, channels: int = 1) -> Locator:
    """The network in eval mode, after three batches, so that its batch statistics are not 0 and 1."""
    for _ in range(3):
        net.train()(torch.rand(32, channels, patch, patch), torch.rand(32) * 100)
    return net.eval()


def locator(channels: int = 1, *, narrow: bool = False, **parameters: Any) -> Locator:
    """A new network of the method with these hyper-parameters, in eval mode, with batch statistics."""
    torch.manual_seed(4)
    method = Patch2Loc(**parameters)
    method.channels_, method.shape_ = channels, (30, 26, 10)
    with pytest.MonkeyPatch.context() as monkeypatch:
        if narrow:
            make_narrow(monkeypatch)
        net = method.build()
    assert isinstance(net, Locator)
    return with_statistics(net, method.side, channels)


def spread_locator(patch: int, channels: int = 1, *, narrow: bool = False, **parameters: Any) -> Locator:
    """As `locator`, with predictions as widely spread as those of trained networks."""
    net = locator(channels, narrow=narrow, patch=patch, **parameters)
    for head in (net.mean, net.log_variance):
        if head is not None:
            head[-1].weight.data *= 10
    return net
